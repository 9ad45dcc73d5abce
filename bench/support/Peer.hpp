#pragma once

// The allocator this program measures: `bench::Allocator<T>` and `bench::kPeerName`, out of one of the
// headers in peers/. FLUX_BENCH_PEER names that header; the build sets it, once per program.

#include FLUX_BENCH_PEER
