"""One HTML file, which needs nothing from the network: what was measured, in words, tables and pictures."""

import html
import math
import os
import re

from comparison import pictures
from comparison.counts import EVENTS, counts_of
from comparison.peers import PEERS
from comparison.published import PUBLISHED
from comparison.series import QUESTIONS
from comparison.tables import best_rival, losses, number
from comparison.targets import is_bound

_STYLE = """
body { font: 16px/1.5 sans-serif; color: #222; max-width: 74rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; border-bottom: 2px solid #0072B2; }
p, li { max-width: 48rem; } .wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: 2px 7px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 1px solid #888; vertical-align: bottom; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: normal; }
th.words, td.words { text-align: left; white-space: normal; min-width: 17rem; }
.key td { width: 5rem; text-align: center; } dt { font-weight: bold; } dd { margin: 0 0 .4rem 1rem; } small { color: #555; }
"""

# From orange (flux is slower) over white to blue (flux is faster): apart also for those who see no red or green.
_SHADES = ((0.5, "#E08214"), (0.8, "#FDB863"), (0.98, "#FEE0B6"), (1.02, "#FFFFFF"), (1.3, "#D9E8F5"), (2, "#A6CDE8"),
           (4, "#5BA3D0"), (math.inf, "#2B7BBA"))


def _shade(ratio):
    return next(colour for most, colour in _SHADES if ratio <= most)


def _ratio_cell(flux, value, unit):
    if value is None or flux is None:
        return "<td></td>"
    if unit == "%":  # of a percentage no multiple: it is shown itself, against flux's by what the memory is in all
        return f'<td style="background:{_shade((100 + value) / (100 + flux))}">{number(value)} %</td>'
    if flux <= 0 or value <= 0:
        return f"<td>{number(value)}</td>"
    ratio = value / flux
    ink = "#fff" if ratio > 4 else "#222"
    return f'<td style="background:{_shade(ratio)};color:{ink}" title="{number(value)}">{ratio:.2f}</td>'


def _ratio_table(samples, rows, peers):
    """How many times as much as flux each allocator needs."""
    head = "".join(f"<th><span>{html.escape(peer)}</span></th>" for peer in peers)
    lines = []
    for row in rows:
        flux = samples.least(row, "flux")
        contest = [] if is_bound(row) else peers
        cells = "".join(_ratio_cell(flux, samples.least(row, peer), samples.units[row]) for peer in contest)
        lines.append(f"<tr><td>{html.escape(row)}</td><td>{number(flux)} {samples.units[row]}</td>{cells}</tr>")
    return (f'<div class="wide"><table><thead><tr><th>row</th><th>flux</th>{head}</tr></thead><tbody>'
            f'{"".join(lines)}</tbody></table></div>')


def _key():
    cells = "".join(f'<td style="background:{_shade(ratio)};color:{"#fff" if ratio > 4 else "#222"}">{words}</td>'
                    for ratio, words in ((0.4, "½ or less"), (0.7, "0.8"), (0.9, "0.98"), (1, "level"), (1.2, "1.3"),
                                         (1.7, "2"), (3, "4"), (5, "more")))
    return f'<table class="key"><tr>{cells}</tr></table>'


def standing(samples):
    """Of the container rows: [(row, rival, rival's least / flux's)] with the best rival that is safe with threads."""
    leasts = samples.leasts()
    found = []
    for row in samples.series("containers"):
        if "with_clear" in row:  # of the same processes as the row without
            continue
        rival, value = best_rival(leasts[row])
        if value is not None and leasts[row].get("flux"):
            found.append((row, rival, value / leasts[row]["flux"]))
    return found


def _summary(samples):
    found = standing(samples)
    if not found:
        return ""
    ahead = sum(1 for _, _, ratio in found if ratio > 1)
    mean = math.exp(sum(math.log(ratio) for _, _, ratio in found) / len(found))
    return (f"<p>In {ahead} of {len(found)} container rows flux needs least of all allocators that are safe with "
            f"threads; the best of the others, whichever it is in a row, needs {mean:.2f} times as much in the "
            "geometric mean. (Rows that include clearing are of the same processes as those without, and not counted.)</p>")


def _losses(samples):
    lost = losses(samples.leasts())
    if not lost:
        return "<p>In no row.</p>"
    items = []
    for row, ahead, flux in lost:
        others = ", ".join(f"{html.escape(peer)} {number(value)}" +
                           ("" if PEERS[peer].is_for_threads else " (one thread only)") for peer, value in ahead)
        interval = samples.interval(row, "flux", ahead[0][0])
        sure = f"; medians: flux needs {interval[0]:.2f} to {interval[1]:.2f} times as much (95 %)" if interval else ""
        items.append(f"<li><b>{html.escape(row)}</b>: {others} against {number(flux)} {samples.units[row]}"
                     f"<small>{sure}</small></li>")
    return f"<ul>{''.join(items)}</ul>"


def _published(samples):
    lines = []
    for claim in PUBLISHED:
        ours = claim.measure(samples)
        lines.append(f"<tr><td>{html.escape(claim.what)}</td><td>{html.escape(claim.said)}</td>"
                     f"<td>{html.escape(ours or 'not measured')}</td>"
                     f'<td class="words">{html.escape(claim.remark)}</td></tr>')
    return ('<div class="wide"><table><thead><tr><th>what</th><th>published</th>'
            '<th>flux here, and how many times as much others need</th><th class="words">how it compares</th>'
            f'</tr></thead><tbody>{"".join(lines)}</tbody></table></div>')


def _pictures(key, samples, rows, benchmarks, peers):
    drawn = []
    if key == "latency":
        drawn.append(pictures.latency(benchmarks, peers))
    elif key == "memory":
        drawn += [pictures.drift(benchmarks, peers), pictures.overhead(samples, peers)]
    else:
        drawn.append(pictures.scaling(samples, peers) if key == "scaling" else "")
        drawn.append(pictures.bars(samples, [row for row in rows if not pictures.is_scaling(row)], peers))
    return "".join(drawn)


def _plain_table(samples, rows):
    lines = "".join(f"<tr><td>{html.escape(row)}</td><td>{number(samples.least(row, 'flux'))} "
                    f"{samples.units[row]}</td></tr>" for row in rows)
    return f"<table>{lines}</table>"


def _counts(key, benchmarks, peers):
    """A table of each event that was counted."""
    parts = []
    there = counts_of(benchmarks, key)
    for event, words in EVENTS:
        if event not in there:
            continue
        head = "".join(f"<th><span>{html.escape(peer)}</span></th>" for peer in peers)
        lines = []
        for row, cells in there[event].items():
            figures = "".join(f"<td>{number(cells[peer]) if peer in cells else ''}</td>" for peer in peers)
            lines.append(f"<tr><td>{html.escape(row)}</td>{figures}</tr>")
        parts.append(f'<details><summary>{words.capitalize()} per item</summary><div class="wide"><table><thead><tr>'
                     f'<th>row</th>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div></details>')
    return "".join(parts)


def _section(question, samples, benchmarks, allocators):
    rows = samples.series(question.key)
    if not rows:
        return ""
    there = {peer for row in rows for peer in samples.peers(row)}
    peers = [peer for peer in allocators if peer in there]
    others = [peer for peer in peers if peer != "flux"]
    compared = [row for row in rows if len(samples.peers(row)) > 1]
    parts = [f'<h2 id="{question.key}">{html.escape(question.title)}</h2><p>{html.escape(question.words)}</p>']
    if question.key == "published":
        parts.append(_published(samples))
    if compared:
        parts.append(f"<p>How many times as much as flux each needs:</p>{_ratio_table(samples, compared, others)}")
        parts.append(f'<div class="wide">{_pictures(question.key, samples, compared, benchmarks, peers)}</div>')
    elif question.key != "published":
        parts.append(_plain_table(samples, rows))
    parts.append(_counts(question.key, benchmarks, peers))
    return "".join(parts)


def _with_code(words):
    """Words of Markdown with names between backticks."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", html.escape(words))


def _provenance(context):
    items = "".join(f"<dt>{html.escape(what)}</dt><dd>{html.escape(words)}</dd>"
                    for what, words in context["provenance"].items())
    peers = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(PEERS[name].title)}"
                    f"{'' if PEERS[name].is_for_threads else '; for one thread, or memory that stays with its thread'}</dd>"
                    for name in context["allocators"])
    return f"<h2>How it was measured</h2><p>{_with_code(context['method'])}</p><dl>{items}</dl><h3>Who</h3><dl>{peers}</dl>"


# What a reader of the README sees first.
_README_ROWS = ("list_range_1000/boost", "list_fifo_1000/std", "list_random_20k/std", "map_churn", "handover_64",
                "orderbook_generated")


def write_pictures(folder, context, samples, benchmarks):
    """Writes the README's two pictures into a folder: containers.svg and latency.svg. Throws OSError."""
    peers = [peer for peer in context["allocators"] if PEERS[peer].is_for_threads]
    rows = [row for row in _README_ROWS if any(samples.values(row, peer) for peer in peers)]
    drawn = {"containers.svg": pictures.bars(samples, rows, peers),
             "latency.svg": pictures.latency(benchmarks, peers)}
    os.makedirs(folder, exist_ok=True)
    for name, picture in drawn.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(picture)


def write_page(path, context, samples, benchmarks):
    """Writes the page. `samples` are those of `benchmarks`. Throws OSError."""
    allocators = context["allocators"]
    noise = samples.noise()
    warning = (f"<p><b>This machine was too noisy to tell small differences: half of the medians are {noise:.0%} or more "
               "above the leasts.</b></p>" if noise > 0.1 else "")
    if samples.left_out():
        warning += f"<p>{html.escape(samples.left_out())}</p>"
    sections = "".join(_section(question, samples, benchmarks, allocators) for question in QUESTIONS)
    text = (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>flux, measured</title><style>{_STYLE}'
            f"</style></head><body><h1>flux, measured</h1><p><small>{html.escape(context['provenance']['processor'])}, "
            f"{html.escape(context['provenance']['date'])}</small></p>{_summary(samples)}{warning}"
            f"<p>Less is better in every row. In the tables: how many times as much as flux an allocator needs, blue "
            f"where flux is ahead, orange where it is behind.</p>{_key()}<p>In the bars: the least of all processes, and a "
            "line to the greatest of them. What takes more than eight times as long as the shortest ends at the edge, with "
            f"its figure inside.</p>{sections}"
            f'<h2 id="losses">Where flux loses</h2>{_losses(samples)}{_provenance(context)}</body></html>\n')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
