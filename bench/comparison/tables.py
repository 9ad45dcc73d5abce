"""The figures as a table for a terminal and as a page for bench/results/."""

from comparison.peers import PEERS
from comparison.targets import TARGETS, is_bound, verdict


def number(value):
    """Three digits or so; '' for None."""
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(over, under):
    """'' unless both are above 0."""
    return f"{over / under:.2f}" if over and under and min(over, under) > 0 else ""


def best_rival(cells, is_for_threads=True):
    """(name, value) of the least that is not flux, among those safe with threads; (None, None) without one."""
    rivals = [(value, name) for name, value in cells.items()
              if not PEERS[name].is_flux and (PEERS[name].is_for_threads or not is_for_threads)]
    value, name = min(rivals, default=(None, None))
    return name, value


def short_table(leasts, units):
    """Rows of text, the heading first: flux beside std, the floor, and the best of the others."""
    lines = [["row", "unit", "flux", "std", "floor", "best rival", "", "std/flux", "rival/flux", "flux/floor", "target",
              "verdict"]]
    for row, cells in leasts.items():
        flux, std, floor = (cells.get(name) for name in ("flux", "std", "floor"))
        name, value = best_rival(cells)
        if is_bound(row):
            std = floor = name = value = None
        lines.append([row, units[row], number(flux), number(std), number(floor), number(value), name or "",
                      ratio(std, flux), ratio(value, flux), ratio(flux, floor), str(TARGETS.get(row, "")),
                      verdict(row, leasts)])
    return lines


def full_table(leasts, allocators):
    """Rows of text, the heading first: all allocators."""
    lines = [["row", *allocators, "std/flux", "flux/floor", "target", "verdict"]]
    for row, cells in leasts.items():
        flux = cells.get("flux")
        lines.append([
            row, *(number(cells.get(name)) for name in allocators), ratio(cells.get("std"), flux),
            ratio(flux, cells.get("floor")), str(TARGETS.get(row, "")), verdict(row, leasts)])
    return lines


def as_text(lines):
    """For a terminal."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = {column for column, name in enumerate(lines[0]) if name in ("row", "unit", "", "target", "verdict")}
    text = []
    for line in lines:
        cells = [cell.ljust(width) if column in left else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def _as_markdown(lines):
    rule = ["---"] + ["---:"] * (len(lines[0]) - 3) + ["---", "---"]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def summary(leasts):
    """How many targets are met."""
    verdicts = [verdict(row, leasts) for row in leasts]
    met = sum(1 for word in verdicts if word == "met")
    return f"{met} of {sum(1 for word in verdicts if word)} targets met."


LEGEND = """\
The least of all processes; less is better. std/flux: how many times less flux takes than std::allocator.
best rival: the least of those safe with threads. floor: a thread-local free list that never gives anything
back and knows no owner. target: what flux set itself for the row; "missed (floor: ...)" or "(bound: ...)":
where not even the floor reaches it on this machine, or a perfect order of memory (walk_refilled_bound). Targets
are of a quiet machine; missing one is no failure of the run. /std and /boost: containers of std and of Boost."""


def losses(leasts):
    """[(row, [(peer, value)], flux)] where another allocator needs less than flux, by more than 2 %; the floors aside."""
    lost = []
    for row, cells in leasts.items():
        flux = None if is_bound(row) else cells.get("flux")
        ahead = [(name, value) for name, value in cells.items()
                 if flux is not None and not name.startswith("floor") and not PEERS[name].is_flux
                 and value + 0.02 * abs(value) < flux]
        if ahead:
            lost.append((row, sorted(ahead, key=lambda peer: peer[1]), flux))
    return lost


def as_page(leasts, allocators, origin, method):
    """A Markdown page with its provenance."""
    parts = ["# flux_bench", ""]
    parts += [f"- {what}: {words}" for what, words in origin.items()]
    parts += ["", method, "", _as_markdown(full_table(leasts, allocators)), "", summary(leasts), ""]
    lost = losses(leasts)
    if not lost:
        return "\n".join([*parts, "flux loses in no row."]) + "\n"
    parts += ["Where flux loses:", ""]
    for row, ahead, flux in lost:
        others = ", ".join(f"{name} {number(value)}" for name, value in ahead)
        parts.append(f"- {row}: {others} against {number(flux)}")
    return "\n".join(parts) + "\n"
