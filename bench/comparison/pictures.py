"""The pictures of a page, as SVG texts, drawn with matplotlib."""

import io
import math

import matplotlib
matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend comes first)
from matplotlib.ticker import MaxNLocator  # noqa: E402

from comparison.peers import PEERS
from comparison.tables import number

# Okabe and Ito, Color Universal Design: eight colours that those who see few of them can tell apart. Lines of the same
# colour differ in their dashes.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#999999")
_DASHES = ("-", "--", ":")

_FIRST = ("flux", "std", "mimalloc", "jemalloc", "tcmalloc", "tbbmalloc")

QUANTILES = ("p50", "p75", "p90", "p95", "p99", "p99.5", "p99.9", "p99.95", "p99.99", "p99.995", "p99.999")

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "flux", "font.family": "sans-serif", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#DDDDDD",
    "axes.axisbelow": True, "figure.constrained_layout.use": True,
})


def style_of(peer):
    """Colour, dashes and width of a peer's line: the same in all pictures."""
    order = [*_FIRST, *(name for name in PEERS if name not in _FIRST)]
    place = order.index(peer)
    return {"color": _COLOURS[place % len(_COLOURS)], "linestyle": _DASHES[place // len(_COLOURS) % len(_DASHES)],
            "linewidth": 2.6 if peer == "flux" else 1.3, "zorder": 3 if peer == "flux" else 2}


def _svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]


def _panels(count, columns, width, height, **options):
    rows = math.ceil(count / columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False, **options)
    for axis in axes.flat[count:]:
        axis.remove()
    return figure, list(axes.flat[:count])


def _one_legend(figure, axis):
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncol=5, frameon=False)


def bars(samples, rows, peers):
    """For each row a bar per allocator, with its figure: the least, and a line to the greatest. What is beyond eight times the
    shortest goes to the edge."""
    if not rows:
        return ""
    figure, axes = _panels(len(rows), 3, 4.2, 0.6 + 0.19 * len(peers))
    for axis, row in zip(axes, rows):
        there = [peer for peer in peers if samples.values(row, peer)][::-1]
        least = [samples.least(row, peer) for peer in there]
        most = [max(samples.values(row, peer)) for peer in there]
        colours = [_COLOURS[0] if peer == "flux" else "#BBBBBB" for peer in there]
        axis.barh(there, least, color=colours, height=0.7)
        axis.hlines(there, least, most, color="#333333", linewidth=1)
        if min(least) > 0:
            edge = min(1.18 * max(most), 8 * min(least))
            axis.set_xlim(0, edge)
            for peer, value, end in zip(there, least, most):
                is_inside = end > 0.86 * edge
                axis.text((0.99 if is_inside else min(end, edge) / edge + 0.01), peer, number(value), fontsize=7, va="center",
                          ha="right" if is_inside else "left", transform=axis.get_yaxis_transform(),
                          bbox={"facecolor": "#BBBBBB" if value > 0.9 * edge else "white", "edgecolor": "none", "pad": 0.5})
        axis.set_title(row, fontsize=9, loc="left", fontweight="bold")
        axis.set_xlabel(samples.units[row])
        axis.xaxis.set_major_locator(MaxNLocator(5))  # more do not fit where they have six digits
        axis.grid(axis="y", visible=False)
    return _svg(figure)


def latency(benchmarks, peers):
    """A curve per allocator: how long the operation takes that so many are faster than."""
    titles = {"latency": "in a fresh process", "latency_warm": "after the same once", "latency_reserved": "memory reserved",
              "latency_loaded": "another thread busy"}
    rows = [row for row in titles if any(entry["name"] == row for entry in benchmarks)]
    if not rows:
        return ""
    figure, axes = _panels(len(rows), 2, 5.6, 3.4, sharey=True)
    at = [-math.log10(1 - float(quantile[1:]) / 100) for quantile in QUANTILES]
    for axis, row in zip(axes, rows):
        for peer in peers:
            entries = [entry for entry in benchmarks if entry["name"] == row and entry["peer"] == peer]
            if entries:
                curve = [min(entry[f"{quantile}_ns"] for entry in entries) for quantile in QUANTILES]
                axis.plot(at, curve, label=peer, **style_of(peer))
        axis.set_yscale("log")
        axis.set_xticks(range(1, 6), ["90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"])
        axis.set_title(titles[row], loc="left", fontweight="bold", fontsize=9)
        axis.set_ylabel("nanoseconds, with two clock reads")
    _one_legend(figure, axes[0])
    return _svg(figure)


def is_scaling(row):
    """Whether the row is one point of a line."""
    return row.startswith("scaling_")


def scaling(samples, peers):
    """A line per allocator and pattern: time per operation by the number of threads."""
    patterns = list(dict.fromkeys(row.partition("/")[0] for row in samples.series("scaling") if is_scaling(row)))
    if not patterns:
        return ""
    figure, axes = _panels(len(patterns), 2, 5.6, 3.2)
    for axis, pattern in zip(axes, patterns):
        counts = sorted(int(row.partition("/")[2]) for row in samples.series("scaling") if row.startswith(pattern + "/"))
        for peer in peers:
            line = [(count, samples.least(f"{pattern}/{count}", peer)) for count in counts]
            line = [(count, value) for count, value in line if value is not None]
            if line:
                axis.plot(*zip(*line), label=peer, marker=".", **style_of(peer))
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.set_xlabel("threads")
        axis.set_ylabel("ns per operation of one thread")
        axis.set_title(pattern, loc="left", fontweight="bold", fontsize=9)
    _one_legend(figure, axes[0])
    return _svg(figure)


def drift(benchmarks, peers):
    """A line per allocator: resident memory while the program's objects change their size."""
    if not any(entry["name"] == "drift" for entry in benchmarks):
        return ""
    figure, axis = pyplot.subplots(figsize=(8.4, 3.6))
    live = []
    for peer in peers:
        entries = [entry for entry in benchmarks if entry["name"] == "drift" and entry["peer"] == peer]
        if not entries:
            continue
        steps = sorted(int(key[4:]) for key in entries[0] if key.startswith("mib_"))
        axis.plot(steps, [min(entry[f"mib_{step:02d}"] for entry in entries) for step in steps], label=peer,
                  **style_of(peer))
        live = [100_000 * (24 + 16 * step) / 2**20 for step in steps]
    if live:
        axis.fill_between(steps, live, color="#EEEEEE", label="the objects themselves", zorder=1)
    axis.set_xlabel("step: objects of 24 + 16 x step bytes take the place of the smaller ones")
    axis.set_ylabel("resident, MiB")
    axis.set_ylim(bottom=0)
    _one_legend(figure, axis)
    return _svg(figure)


def overhead(samples, peers):
    """A line per allocator: what it takes above the objects' own bytes."""
    rows = [row for row in samples.series("memory") if row.startswith("overhead/")]
    if not rows:
        return ""
    figure, axis = pyplot.subplots(figsize=(8.4, 3.2))
    sizes = [int(row.partition("/")[2]) for row in rows]
    for peer in peers:
        line = [samples.least(row, peer) for row in rows]
        if None not in line:
            axis.plot(sizes, line, label=peer, marker=".", **style_of(peer))
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.set_xlabel("bytes of an object")
    axis.set_ylabel("resident above them, %")
    axis.set_yscale("symlog", linthresh=10)
    _one_legend(figure, axis)
    return _svg(figure)
