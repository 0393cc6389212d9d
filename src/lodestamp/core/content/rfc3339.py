"""Times as IPNS records write them: RFC 3339, UTC, to the nanosecond (content spec R96).

>>> format_time(1_790_000_000_500_000_000)
'2026-09-21T14:13:20.5Z'
"""

from __future__ import annotations

import re
from typing import Final

from lodestamp.errors import IpnsError

_is_time: Final = re.compile(
    rb"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z"
).fullmatch

# Days are counted as in the proleptic Gregorian calendar from 0000-03-01, where a leap day ends
# its year, and shifted to 1970-01-01.
_EPOCH_DAYS: Final = 719_468
_DAY_S: Final = 86_400
_SECOND_NS: Final = 1_000_000_000
_YEAR_NS_END: Final = 253_402_300_800 * _SECOND_NS
"""10000-01-01: the first time with a year of five digits."""


def format_time(time_ns: int) -> str:
    """Spell a time since 1970 in RFC 3339, UTC, a fraction without trailing zeros.

    IpnsError ``ipns.data`` outside the years 1970 to 9999.
    """
    if not 0 <= time_ns < _YEAR_NS_END:
        raise IpnsError("a record ends between 1970 and 9999", code="ipns.data")
    seconds, nanoseconds = divmod(time_ns, _SECOND_NS)
    days, second = divmod(seconds, _DAY_S)
    year, month, day = _date_of(days)
    hour, minute = divmod(second // 60, 60)
    fraction = f".{nanoseconds:09}".rstrip("0").rstrip(".")
    clock = f"{hour:02}:{minute:02}:{second % 60:02}{fraction}"
    return f"{year:04}-{month:02}-{day:02}T{clock}Z"


def parse_time(text: bytes) -> int:
    """Return the nanoseconds since 1970 of an RFC 3339 time in UTC, up to nine digits of a second.

    IpnsError ``ipns.data`` for any other spelling, or a time that does not exist.
    """
    match = _is_time(text)
    if match is None:
        raise IpnsError("the end of validity is no RFC 3339 time in UTC", code="ipns.data")
    year, month, day, hour, minute, second = (int(match[at]) for at in range(1, 7))
    nanoseconds = int((match[7] or b"").ljust(9, b"0"))
    exists = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60
    days = _days_of(year, month, day) if exists else 0
    if not exists or _date_of(days) != (year, month, day):
        raise IpnsError("the end of validity is a time that does not exist", code="ipns.data")
    seconds = days * _DAY_S + (hour * 60 + minute) * 60 + second
    return seconds * _SECOND_NS + nanoseconds


def _days_of(year: int, month: int, day: int) -> int:
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - _EPOCH_DAYS


def _date_of(days: int) -> tuple[int, int, int]:
    era, day_of_era = divmod(days + _EPOCH_DAYS, 146_097)
    leaps = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leaps) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = (shifted_month + 2) % 12 + 1
    return year_of_era + era * 400 + (month <= 2), month, day
