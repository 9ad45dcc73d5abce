"""What the rows must reach: one place for all targets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Bounds for flux in a row: how often faster than std, how close to the floor, or an absolute limit.

    `most` bounds the row's own figure, `most_of_row` the figure as a multiple of another row's.
    """

    least_std: float | None = None
    most_floor: float | None = None
    most: float | None = None
    most_of_row: tuple[str, float] | None = None

    def __str__(self):
        words = []
        if self.least_std is not None:
            words.append(f"≥ {self.least_std:g}x std")
        if self.most_floor is not None:
            words.append(f"≤ {self.most_floor:g}x floor")
        if self.most is not None:
            words.append(f"≤ {self.most:g}")
        if self.most_of_row is not None:
            words.append(f"≤ {self.most_of_row[1]:g}x {self.most_of_row[0]}")
        return ", ".join(words)


_FIRST = Target(least_std=4.6, most_floor=1.4)
_WARM = Target(least_std=2.6, most_floor=1.6)
_FIFO = Target(least_std=3.3, most_floor=1.1)
_RANDOM = Target(least_std=2.2)

TARGETS = {
    "list_range_1000/boost": Target(least_std=3.8, most_floor=1.3),
    "list_500k_warm/std": _WARM,
    "list_500k_warm/boost": _WARM,
    "list_500k_first/std": _FIRST,
    "list_500k_first/boost": _FIRST,
    "list_fifo_1000/std": _FIFO,
    "list_fifo_1000/boost": _FIFO,
    "list_random_20k/std": _RANDOM,
    "list_random_20k/boost": _RANDOM,
    "map_churn": Target(least_std=1.2),
    "unordered_map_churn": Target(least_std=1.35),
    "handover_64": Target(least_std=7),
    "two_threads": Target(least_std=3.2),
    "short_threads": Target(least_std=1.7),
    "short_threads_anywhere": Target(least_std=1.7),
    "orderbook_generated": Target(least_std=1.4),
    "orderbook_recorded": Target(least_std=1.4),
    "latency_p99.99": Target(least_std=3),
    "latency_reserved_p99.99": Target(least_std=5),
    "latency_reserved_p50": Target(most_floor=1),
    "latency_reserved_p99": Target(most_floor=1),
    "latency_reserved_max": Target(least_std=1),
    "walk_refilled": Target(most_of_row=("walk_fresh", 1.2)),
    "resident_per_node": Target(most=24.6),
    "provider_pair": Target(most_of_row=("allocator_pair", 1.03)),
    "provider_many": Target(most_of_row=("allocator_many", 1.03)),
    "heap_release_1m": Target(most_of_row=("heap_clear_1m", 1 / 50)),
    "handle_get": Target(most=3),
    "handle_pair": Target(most_of_row=("handle_pair_by_pointer", 3)),
    "buffer_pair_1k": Target(most_of_row=("raw_pair_1k", 2)),
    "buffer_mixed": Target(most_of_row=("buffer_mixed_new", 1 / 3)),
    "buffer_mixed_zeroed": Target(most_of_row=("buffer_mixed_zeroed_new", 1 / 3)),
    "stats_10_classes": Target(most=2000),
}


def bound_of(row):
    """The row that asks for the best that any allocator could do in this one, where there is such a row."""
    return f"{row}_bound"


def is_bound(row):
    """Whether it is such a row, which takes the same whoever allocates."""
    return row.endswith("_bound") or "_bound/" in row


def _checks(row, figures):
    """(holds, the limit of the machine in words or '') for each part of a row's target that was measured."""
    target, cells = TARGETS[row], figures[row]
    flux, std, floor = (cells.get(name) for name in ("flux", "std", "floor"))
    if target.least_std is not None and std:
        short = floor and std / floor < target.least_std
        yield std / flux >= target.least_std, f"floor: {std / floor:.2f}x std" if short else ""
    if target.most_floor is not None and floor:
        yield flux / floor <= target.most_floor, ""
    if target.most is not None:
        yield flux <= target.most, ""
    if target.most_of_row is not None:
        other, most = target.most_of_row
        fresh = figures.get(other, {}).get("flux")
        bound = figures.get(bound_of(row), {}).get("flux")
        if fresh:
            short = bound and bound / fresh > most
            yield flux / fresh <= most, f"bound: {bound / fresh:.2f}x {other}" if short else ""


def verdict(row, figures):
    """'met', 'missed', or '' without a target. `figures[row][allocator]` is the least of a row's figures.

    A target that not even the floor, or the row's bound, reaches on this machine is missed with that remark.
    """
    if row not in TARGETS or "flux" not in figures[row]:
        return ""
    checks = list(_checks(row, figures))
    if not checks or all(holds for holds, _ in checks):
        return "met" if checks else ""
    remarks = [words for holds, words in checks if not holds and words]
    return f"missed ({', '.join(remarks)})" if remarks else "missed"
