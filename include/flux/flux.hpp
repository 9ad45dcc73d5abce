/// @file
/// All of flux, but for flux/BoostMemoryResource.hpp, which alone needs Boost.
///
/// @namespace flux
/// All that a program names. What is in flux::detail is none of it, and may change.
#pragma once
#include <flux/Allocator.hpp>
#include <flux/BufferPool.hpp>
#include <flux/BurstAllocator.hpp>
#include <flux/Control.hpp>
#include <flux/Handle.hpp>
#include <flux/HandlePool.hpp>
#include <flux/Heap.hpp>
#include <flux/HeapMap.hpp>
#include <flux/MemoryResource.hpp>
#include <flux/Misuse.hpp>
#include <flux/Raw.hpp>
#include <flux/SlabProvider.hpp>
#include <flux/Statistics.hpp>
#include <flux/StatisticsText.hpp>
#include <flux/Trace.hpp>
#include <flux/Version.hpp>
#include <flux/Visit.hpp>
