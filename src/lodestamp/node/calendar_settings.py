"""The table ``[calendars]`` of ``config.toml``: who is asked to anchor our checkpoints, how often.

>>> read_calendars({"urls": ["https://calendar.example"], "needed": 1})
CalendarSettings(urls=('https://calendar.example',), needed=1, every_s=60)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EVERY_S_DEFAULT: Final = 60
"""Seconds between two checkpoints handed to calendars: what is sealed meanwhile the next covers."""
EVERY_S_MAX: Final = 7 * 86_400
"""A week: a longer silence is rather a missing calendar."""
NEEDED_DEFAULT: Final = 2
"""Calendars that must promise, or all where there are fewer: one alone may vanish."""
NAMED_CALENDARS_MAX: Final = 16
"""Calendars that a checkpoint goes to: each is a connection of its own."""
CALENDARS_FORM: Final = (
    f"a table of urls (at most {NAMED_CALENDARS_MAX}), needed (1 to as many) and every_s"
)
"""What the table must be, in words."""
_MEMBERS: Final = frozenset({"urls", "needed", "every_s"})
_is_url: Final = re.compile(r"https?://[!-~]{1,1000}").fullmatch


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """The calendars that checkpoints go to, how many must promise, and how often one goes."""

    urls: tuple[str, ...] = ()
    needed: int = NEEDED_DEFAULT
    every_s: int = EVERY_S_DEFAULT


def is_calendars(value: Any) -> bool:
    """Tell whether a value is such a table."""
    if not isinstance(value, dict) or value.keys() - _MEMBERS:
        return False
    urls = value.get("urls", [])
    if not isinstance(urls, list) or len(urls) > NAMED_CALENDARS_MAX:
        return False
    return (
        all(isinstance(each, str) and _is_url(each) for each in urls)
        and _is_within(value.get("needed", 1), max(1, len(urls)))
        and _is_within(value.get("every_s", 1), EVERY_S_MAX)
    )


def read_calendars(table: Mapping[str, Any]) -> CalendarSettings:
    """Read a table for which `is_calendars` holds."""
    return CalendarSettings(**{**table, "urls": tuple(table.get("urls", ()))})


def _is_within(value: Any, maximum: int) -> bool:
    return type(value) is int and 1 <= value <= maximum
