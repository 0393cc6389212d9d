"""Times in a packet: RFC 3339, UTC, always to the microsecond (flows spec §7).

>>> format_moment(1_790_000_000_500_000)
'2026-09-21T14:13:20.500000Z'
>>> parse_moment("2026-09-21T14:13:20.500000Z")
1790000000500000
"""

from __future__ import annotations

from lodestamp.core.content import format_time, parse_time
from lodestamp.errors import IpnsError, MalformedPacket

_NS: int = 1_000


def format_moment(time_us: int) -> str:
    """Spell a time since 1970; MalformedPacket outside the years 1970 to 9999."""
    try:
        text = format_time(time_us * _NS)
    except IpnsError as error:
        raise MalformedPacket("a time lies between 1970 and 9999") from error
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<6}Z"


def parse_moment(text: str) -> int:
    """Return microseconds since 1970; MalformedPacket for any spelling but `format_moment`'s."""
    try:
        time_us = parse_time(text.encode("ascii")) // _NS
    except (IpnsError, UnicodeEncodeError):
        raise MalformedPacket(f"{text[:40]!r} is no time in UTC") from None
    if format_moment(time_us) != text:
        raise MalformedPacket(f"{text[:40]!r} is no time to the microsecond")
    return time_us
