#pragma once
#include <flux/Allocator.hpp>
#include <flux/BurstAllocator.hpp>
#include <flux/Control.hpp>
#include <flux/MemoryResource.hpp>
