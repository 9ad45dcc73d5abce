"""The figures as a table for a terminal and as a page for bench/results/."""

from comparison.targets import TARGETS, verdict


def _number(value):
    return "" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(over, under):
    return f"{over / under:.2f}" if over and under else ""


def table(figures, allocators):
    """Rows of text, the heading first."""
    lines = [["row", *allocators, "std/flux", "flux/floor", "target", "verdict"]]
    for row, cells in figures.items():
        flux = cells.get("flux")
        lines.append([
            row, *(_number(cells.get(name)) for name in allocators), _ratio(cells.get("std"), flux),
            _ratio(flux, cells.get("floor")), str(TARGETS.get(row, "")), verdict(row, figures)])
    return lines


def as_text(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    left = {0, len(widths) - 2, len(widths) - 1}
    text = []
    for line in lines:
        cells = [cell.ljust(width) if column in left else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def _as_markdown(lines):
    rule = ["---"] + ["---:"] * (len(lines[0]) - 3) + ["---", "---"]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def summary(figures):
    verdicts = [verdict(row, figures) for row in figures]
    met = sum(1 for word in verdicts if word == "met")
    return f"{met} of {sum(1 for word in verdicts if word)} targets met."


LEGEND = """\
Nanoseconds per item (resident_per_node: bytes per node). std/flux: how many times less flux takes than
std::allocator. floor: a thread-local free list that never gives anything back and knows no owner.
target: what flux set itself for the row; "missed (floor: ...)" or "(bound: ...)": where not even the floor,
or a perfect order of memory, reaches it on this machine."""


def losses(figures):
    """Where another allocator needs less than flux, by more than 2 %; the floor aside."""
    lines = []
    for row, cells in figures.items():
        ahead = [f"{name} {_number(value)}" for name, value in cells.items()
                 if name not in ("flux", "floor") and "flux" in cells and value * 1.02 < cells["flux"]]
        if ahead:
            lines.append(f"{row}: {', '.join(ahead)} against {_number(cells['flux'])}")
    return lines


def as_page(figures, allocators, origin, method):
    """A Markdown page with its provenance."""
    parts = ["# flux_bench", ""]
    parts += [f"- {what}: {words}" for what, words in origin.items()]
    parts += ["", method, "", _as_markdown(table(figures, allocators)), "", summary(figures), ""]
    behind = losses(figures)
    if behind:
        parts += ["Where flux loses:", "", *(f"- {line}" for line in behind)]
    else:
        parts += ["flux loses in no row."]
    return "\n".join(parts) + "\n"
