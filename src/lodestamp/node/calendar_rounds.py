"""What a node that serves does by itself: hands new checkpoints to calendars, and asks again."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final, Self

from lodestamp.errors import CalendarError, LodestampError
from lodestamp.node.calendars import Calendars

_TICK_S: Final = 1.0
_ASK_EVERY_S: Final = 60.0
"""Seconds between two looks for what is due; a block comes every ten minutes."""
_AGAIN_S: Final = 5.0
"""Seconds until what our own disk or settings hindered is tried again."""
_logger: Final = logging.getLogger("lodestamp.calendars")


class CalendarRounds:
    """A thread that lives as long as the block it is entered for; it raises nothing."""

    def __init__(self, calendars: Calendars) -> None:
        self._calendars = calendars
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="calendar-rounds", daemon=True)
        self._submitted = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        submit_at = ask_at = time.monotonic()
        while not self._stopping.wait(_TICK_S):
            now = time.monotonic()
            try:
                if now >= submit_at and self._submit():
                    submit_at = now + self._calendars.settings.every_s
                if now >= ask_at:
                    ask_at = now + _ASK_EVERY_S
                    self._calendars.try_due()
            except LodestampError as error:
                submit_at = max(submit_at, now + _AGAIN_S)
                _logger.warning("calendars: %s", error.message)

    def _submit(self) -> bool:
        """Hand the newest checkpoint on, if it is new; what was refused is tried again later."""
        size = self._calendars.newest_size
        if size == self._submitted or not self._calendars.uris():
            return False
        try:
            self._calendars.submit(size=size)
        except CalendarError as error:
            _logger.warning("calendars: %s", error.message)
        self._submitted = size  # only now: what was not even noted must be handed on again
        return True
