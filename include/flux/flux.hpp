#pragma once
#include <flux/Allocator.hpp>
