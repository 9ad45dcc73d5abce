"""The allocators, each a program of the same rows."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """`is_for_threads`: any thread may free what another allocated. `package`: Debian's, whose version counts."""

    program: str
    title: str
    is_for_threads: bool = True
    is_flux: bool = False
    package: str = ""


PEERS = {
    "flux": Peer("flux_bench", "flux::Allocator", is_flux=True),
    "std": Peer("flux_bench_std", "std::allocator (glibc)", package="libc6"),
    "mimalloc": Peer("flux_bench_mimalloc", "mimalloc", package="libmimalloc2.0"),
    "jemalloc": Peer("flux_bench_jemalloc", "jemalloc", package="libjemalloc2"),
    "tcmalloc": Peer("flux_bench_tcmalloc", "tcmalloc (gperftools)", package="libtcmalloc-minimal4"),
    "tbbmalloc": Peer("flux_bench_tbbmalloc", "tbbmalloc", package="libtbbmalloc2"),
    "fast_pool": Peer("flux_bench_fast_pool", "boost::fast_pool_allocator", package="libboost-dev"),
    "node_allocator": Peer("flux_bench_node_allocator", "boost::container::node_allocator",
                           package="libboost-container-dev"),
    "adaptive_pool": Peer("flux_bench_adaptive_pool", "boost::container::adaptive_pool",
                          package="libboost-container-dev"),
    "pmr_sync_pool": Peer("flux_bench_pmr_sync_pool", "std::pmr::synchronized_pool_resource",
                          package="libstdc++6"),
    "foonathan": Peer("flux_bench_foonathan", "foonathan::memory::memory_pool, std::mutex",
                      package="libfoonathan-memory-dev"),
    "mt_alloc": Peer("flux_bench_mt_alloc", "__gnu_cxx::__mt_alloc", package="libstdc++6"),
    "pool_alloc": Peer("flux_bench_pool_alloc", "__gnu_cxx::__pool_alloc", package="libstdc++6"),
    "floor": Peer("flux_bench_floor", "floor", is_for_threads=False),
    "floor_of_owners": Peer("flux_bench_floor_of_owners", "floor that knows owners", is_for_threads=False),
    "floor_of_batches": Peer("flux_bench_floor_of_batches", "floor that sends batches home", is_for_threads=False),
    "fast_pool_alone": Peer("flux_bench_fast_pool_alone", "boost::fast_pool_allocator, null_mutex",
                            is_for_threads=False, package="libboost-dev"),
    "pmr_pool": Peer("flux_bench_pmr_pool", "std::pmr::unsynchronized_pool_resource", is_for_threads=False,
                     package="libstdc++6"),
    "foonathan_alone": Peer("flux_bench_foonathan_alone", "foonathan::memory::memory_pool, no mutex",
                            is_for_threads=False, package="libfoonathan-memory-dev"),
    "library": Peer("flux_bench_library", "flux::Allocator in a shared library", is_flux=True),
    "tagged": Peer("flux_bench_tagged", "flux::Allocator with a tag", is_flux=True),
    "burst": Peer("flux_bench_burst", "flux::BurstAllocator", is_flux=True),
    "pmr": Peer("flux_bench_pmr", "flux::MemoryResource", is_flux=True),
    "checked": Peer("flux_bench_checked", "flux::Allocator in a checked build", is_flux=True),
    "pmr_new_delete": Peer("flux_bench_pmr_new_delete", "std::pmr::new_delete_resource", package="libc6"),
}

BASICS = ("std", "flux", "floor")

# What a whole comparison runs: flux by its main face, and everything that is not flux.
RIVALS = tuple(name for name, peer in PEERS.items() if not peer.is_flux and name != "pmr_new_delete")


def built(build):
    """The names of those whose program is in the folder."""
    return [name for name, peer in PEERS.items() if os.access(os.path.join(build, peer.program), os.X_OK)]
