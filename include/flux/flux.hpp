#pragma once
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>
#include <flux/Handle.hpp>
#include <flux/HandlePool.hpp>
#include <flux/MemoryResource.hpp>
