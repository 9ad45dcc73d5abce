"""What the processor counted beside the times, where the machine offers it."""

# (key in Google Benchmark's JSON, in words), as in bench/support/Counted.hpp
EVENTS = (("instructions", "instructions"), ("cycles", "cycles"), ("cache_misses", "cache misses"),
          ("tlb_misses", "misses of the translation look-aside buffer"))


def counts_of(benchmarks, question=None):
    """{event: {row: {peer: the least of all processes, per item}}} of the rows that answer a question, or of all."""
    found = {}
    for entry in benchmarks:
        if question not in (None, entry["question"]):
            continue
        for event, _ in EVENTS:
            if event in entry:
                cells = found.setdefault(event, {}).setdefault(entry["name"], {})
                cells[entry["peer"]] = min(entry[event], cells.get(entry["peer"], entry[event]))
    return found


def offered(benchmarks):
    """What the machine counts, in words for a result's header."""
    there = counts_of(benchmarks)
    return ", ".join(words for event, words in EVENTS if event in there) or "none on this machine"
