"""Measuring and printing: two ways of doing the same work, taking turns, as a ratio of times.

Seconds of one machine say little on another, so every row is a ratio. Both sides get the same
inputs; they take turns for several rounds, each going first in every other one; and the median of
the rounds' ratios is printed, so that a neighbour's burst of work does not decide. The times beside
it are each side's median. A ratio is the peer's time over ours: above 1, we are the quicker.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

SEED: Final = 20_250_101
"""Every generated input comes from it."""

Clock = Literal["cpu", "wall"]
"""Which of a timing's two clocks makes the ratio: wall where the disk is what is waited for."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds for one unit of work: of this process's CPU, and of the clock on the wall."""

    cpu: float
    wall: float

    def on(self, clock: Clock) -> float:
        """Return the seconds on one clock."""
        return self.cpu if clock == "cpu" else self.wall


Trial = Callable[[], Timing]
"""One run of one side. What it prepares outside `timed` costs it nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: `ratio` is the peer's time over ours; `aim`, where there is one, its least.

    `unit` is what the timings are for, one of it each.
    """

    measure: str
    unit: str
    ours: Timing
    peer: str
    theirs: Timing
    ratio: float
    clock: Clock
    aim: float | None

    @property
    def is_met(self) -> bool | None:
        """Tell whether the aim is reached; None without one."""
        return None if self.aim is None else self.ratio >= self.aim


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure without a peer: `text` says it; `is_met` is None where nothing was aimed at."""

    measure: str
    text: str
    aim: str = ""
    is_met: bool | None = None


Findings = Iterator[Row | Fact]
"""What the benchmarks of one room yield, as soon as each is known."""


def timed(work: Callable[[], object], units: int) -> Timing:
    """Time one run of `work`, which does `units` of work.

    What lives before the run is frozen: it was made by the benchmark, so neither side's garbage
    collections should have to walk it.
    """
    gc.collect()
    gc.freeze()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.unfreeze()
    return Timing(cpu / units, wall / units)


def trial(work: Callable[[], object], units: int) -> Trial:
    """Return the trial that needs no preparation: `work` does `units` of work."""
    return lambda: timed(work, units)


def compare(
    measure: str,
    *,
    unit: str,
    ours: Trial,
    peer: str,
    theirs: Trial,
    aim: float | None = None,
    rounds: int = 5,
    clock: Clock = "cpu",
) -> Row:
    """Let both sides take turns for some rounds; the row holds the medians."""
    pairs: list[tuple[Timing, Timing]] = []
    for number in range(rounds):
        if number % 2:
            other = theirs()
            own = ours()
        else:
            own = ours()
            other = theirs()
        pairs.append((own, other))
    return Row(
        measure=measure,
        unit=unit,
        ours=_median([own for own, _ in pairs]),
        peer=peer,
        theirs=_median([other for _, other in pairs]),
        ratio=median(other.on(clock) / own.on(clock) for own, other in pairs),
        clock=clock,
        aim=aim,
    )


def _median(timings: list[Timing]) -> Timing:
    return Timing(median(each.cpu for each in timings), median(each.wall for each in timings))


COLUMNS: Final = (
    ("measure", 64), ("unit", 9), ("ours cpu", 9), ("wall", 9), ("peer", 34), ("peer cpu", 9),
    ("wall", 9), ("ratio", 14), ("aim", 8), ("", 6),
)  # fmt: skip


def heading() -> str:
    """Return the table's first two lines, in Markdown."""
    return _line([name for name, _ in COLUMNS]) + "\n" + _line(["-" * w for _, w in COLUMNS])


def line(finding: Row | Fact) -> str:
    """Return one finding as a line of the table."""
    if isinstance(finding, Fact):
        cells = [finding.measure, "", "", "", "", "", "", finding.text, finding.aim]
    else:
        cells = [
            finding.measure,
            finding.unit,
            seconds(finding.ours.cpu),
            seconds(finding.ours.wall),
            finding.peer,
            seconds(finding.theirs.cpu),
            seconds(finding.theirs.wall),
            f"{factor(finding.ratio)} {finding.clock}",
            "" if finding.aim is None else f"≥ {factor(finding.aim)}",
        ]
    verdict = {None: "", True: "met", False: "MISSED"}[finding.is_met]
    return _line([*cells, verdict])


def seconds(value: float) -> str:
    """Spell a duration with three digits and its unit.

    >>> seconds(0.00000123), seconds(0.0456), seconds(12.3)
    ('1.23 µs', '45.6 ms', '12.3 s')
    """
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size:
            return f"{_three_digits(value / size)} {unit}"
    return f"{_three_digits(value / 1e-9)} ns"


def factor(value: float) -> str:
    """Spell a ratio: two decimals below 10, one below 100, none above.

    >>> factor(0.9), factor(12.34), factor(1234.5)
    ('0.90x', '12.3x', '1,234x')
    """
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f}x"


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _line(cells: list[str]) -> str:
    widths = [width for _, width in COLUMNS]
    padded = (f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"
