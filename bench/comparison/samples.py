"""The figures of many processes: the least, the median, and how sure a ratio is."""

import random
import statistics

from comparison.series import series_of

_RESAMPLES = 1000

# A process whose cache lines took this many times as long from core to core as in the middle one of its row, or as little, is set aside:
# the cores of a virtual machine move about on its host.
_MOST_APART = 1.5


def _usual_round_trips(benchmarks):
    """{row: how long a cache line took from core to core and back in the middle process, ns}, of rows that say so."""
    trips = {}
    for entry in benchmarks:
        if entry.get("round_trip_ns"):
            trips.setdefault(entry["name"], []).append(entry["round_trip_ns"])
    return {row: statistics.median(values) for row, values in trips.items()}


def _is_usual(entry, usual):
    trip = entry.get("round_trip_ns")
    return not trip or 1 / _MOST_APART <= trip / usual[entry["name"]] <= _MOST_APART


class Samples:
    """What was measured of each series: a figure for each allocator and process. Less is better in all series."""

    def __init__(self, benchmarks):
        self._values = {}
        self.units = {}
        self.questions = {}
        usual = _usual_round_trips(benchmarks)
        self._set_aside = 0
        for entry in benchmarks:
            if not _is_usual(entry, usual):
                self._set_aside += 1
                continue
            for series, (value, unit) in series_of(entry["name"], entry).items():
                self._values.setdefault(series, {}).setdefault(entry["peer"], []).append(value)
                self.units[series] = unit
                self.questions[series] = entry["question"]

    def series(self, question=None):
        """The names of all, or of those that answer a question, in the order of the rows."""
        return [name for name in self._values if question in (None, self.questions[name])]

    def peers(self, series):
        """Those who were measured in it."""
        return list(self._values[series])

    def values(self, series, peer):
        """One for each process; empty when there was none."""
        return self._values.get(series, {}).get(peer, [])

    def least(self, series, peer):
        """None when it was not measured."""
        return min(self.values(series, peer), default=None)

    def median(self, series, peer):
        """None when it was not measured."""
        values = self.values(series, peer)
        return statistics.median(values) if values else None

    def leasts(self):
        """{series: {peer: least}}."""
        return {series: {peer: min(values) for peer, values in cells.items()}
                for series, cells in self._values.items()}

    def interval(self, series, peer, base):
        """Where the median of `peer` over that of `base` lies, with 95 % confidence: (low, high) of a bootstrap (Efron,
        Bootstrap methods: another look at the jackknife, 1979), both resampled 1,000 times. None without a base
        above 0, and without seven figures of each: fewer say too little."""
        above, below = self.values(series, peer), self.values(series, base)
        if min(len(above), len(below)) < 7 or min(below) <= 0:
            return None
        source = random.Random(1)
        ratios = sorted(statistics.median(source.choices(above, k=len(above))) /
                        statistics.median(source.choices(below, k=len(below))) for _ in range(_RESAMPLES))
        return ratios[_RESAMPLES * 25 // 1000], ratios[_RESAMPLES * 975 // 1000 - 1]

    def left_out(self):
        """What was set aside, in words; empty when nothing was."""
        if not self._set_aside:
            return ""
        return (f"{self._set_aside} processes of handing over are left out: a cache line took more than {_MOST_APART:g} times as long "
                "from core to core as in the middle one of its row, or as little.")

    def noise(self):
        """By how much the median is above the least, half of all times measured being below that: 0.05 is quiet."""
        spreads = [statistics.median(values) / min(values) - 1
                   for series, cells in self._values.items() if self.units[series] == "ns"
                   for values in cells.values() if len(values) > 1 and min(values) > 0]
        return statistics.median(spreads) if spreads else 0.0
