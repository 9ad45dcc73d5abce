"""What other allocators of this kind have published of themselves, and how flux does in the same here."""

from dataclasses import dataclass
from typing import Callable

from comparison.tables import number


@dataclass(frozen=True)
class Claim:
    """`measure(samples)`: what flux reached, in words, or '' when the row was not run. `remark`: what carries over."""

    what: str
    said: str
    measure: Callable
    remark: str


def _beside(row, peer="std"):
    """flux's figure and how many times as much `peer` needs."""
    def measure(samples):
        flux, other = samples.least(row, "flux"), samples.least(row, peer)
        return f"{number(flux)} against {number(other)} {samples.units[row]}: {other / flux:.2f}x" if flux and other else ""
    return measure


def _alone(*rows):
    def measure(samples):
        values = [samples.least(row, "flux") for row in rows]
        return ", ".join(f"{number(value)} {samples.units[row]}" for row, value in zip(rows, values)
                         if value is not None)
    return measure


def _buffer(name, rivals=("free_list", "new")):
    """The buffer pool beside the plain ones; all of them are rows of flux's program."""
    def measure(samples):
        flux = samples.least(f"published_buffer_{name}/flux", "flux")
        found = [(rival, samples.least(f"published_buffer_{name}/{rival}", "flux")) for rival in rivals]
        words = ", ".join(f"{rival} {value / flux:.2f}x" for rival, value in found if value and flux)
        return f"{number(flux)} ns; {words}" if words else ""
    return measure


def _look_up(samples):
    width = samples.least("published_buffer_look_up/width", "flux")
    search = samples.least("published_buffer_look_up/search", "flux")
    return f"{number(width)} ns by width, {number(search)} ns by search" if width and search else ""


_OTHER_MACHINE = "Another machine and system: only the ratio says something."

PUBLISHED = (
    Claim("500,000 list nodes of 32 bytes", "27.04 against 14.37 ms: 1.88x", _beside("published_list_500k"),
          "Measured there on an Apple M. " + _OTHER_MACHINE),
    Claim("two threads, 40 M operations, memory of their own", "1.3x", _beside("two_threads"),
          "Lists of 1,000 filled and emptied by each thread, as long as the row takes. " + _OTHER_MACHINE),
    Claim("two threads, 40 M operations, handed over", "1.55x", _beside("handover_64_long"), _OTHER_MACHINE),
    Claim("the same, the free alone", "4x", _beside("handover_64_long_free"), _OTHER_MACHINE),
    Claim("memory overhead", "14.4 %", _alone("overhead/24", "overhead/64", "overhead/128"),
          "Of 24, 64 and 128 bytes; all that the process's resident memory grew by."),
    Claim("allocating 128 bytes", "70 ns, cache hit rate above 97 %", _alone("published_128_allocate"),
          "In batches of 1,000; the first touch of the object included."),
    Claim("freeing 128 bytes", "12 ns", _alone("published_128_deallocate"), "In batches of 1,000."),
    Claim("growth over 1,000 cycles", "2.2 %", _alone("growth"), "From the tenth cycle on."),
    Claim("objects of 64 bytes", "2 to 5x", _beside("published_64"), _OTHER_MACHINE),
    Claim("objects of 1 KiB", "2 to 5x", _beside("published_1024"), _OTHER_MACHINE),
    Claim("buffers: basic", "8.5x", _buffer("basic"), "Not reached: beside operator new, and a pool of free lists for one thread, which counts nothing."),
    *(Claim(f"buffers: {name.replace('_', ' ')}", "", _buffer(name), "")
      for name in ("small", "large", "exact", "inexact", "oversized", "high_frequency", "batch", "mixed",
                   "default_classes", "pressure")),
    Claim("buffers: direct", "", _buffer("direct", ("new",)), "flux::allocate and deallocate, no Buffer."),
    Claim("buffers: class look-up", "", _look_up, "flux takes the width where classes are powers of two."),
    Claim("buffers: statistics", "", _alone("published_buffer_statistics/flux"), "A snapshot of twenty classes."),
)
