"""A progress bar for work that lasts: on stderr, on a terminal, after the first second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from lodestamp.faces.cli.plain import plain

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_S: Final = 1.0
"""Work shorter than this shows nothing."""
_REFRESH_S: Final = 0.1


class Bar:
    """Reports done of total; draws nothing until the work has lasted a second."""

    def __init__(self, label: str, *, in_bytes: bool) -> None:
        self._label = plain(label)
        self._in_bytes = in_bytes
        self._started = time.monotonic()
        self._drawn = 0.0
        self._shown: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far the work has come."""
        now = time.monotonic()
        if now - self._started < PATIENCE_S or now - self._drawn < _REFRESH_S:
            return
        self._drawn = now
        if self._shown is None:
            self._shown = _drawn_bar(in_bytes=self._in_bytes)
            self._shown.start()
            self._shown.add_task(self._label, total=total)
        self._shown.update(self._shown.task_ids[0], completed=done, total=total)

    def close(self) -> None:
        """Take the bar away again."""
        if self._shown is not None:
            self._shown.stop()


@contextmanager
def progress_bar(
    label: str, *, in_bytes: bool = True, shown: bool = True
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a bar to call with (done, total), or None where nobody would, or wants to, see it."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    bar = Bar(label, in_bytes=in_bytes)
    try:
        yield bar
    finally:
        bar.close()


def _drawn_bar(*, in_bytes: bool) -> Progress:
    from rich import progress  # noqa: PLC0415  only long work on a terminal pays for it
    from rich.console import Console  # noqa: PLC0415

    amount: tuple[progress.ProgressColumn, ...] = (
        (progress.DownloadColumn(), progress.TransferSpeedColumn())
        if in_bytes
        else (progress.MofNCompleteColumn(),)
    )
    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        *amount,
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
