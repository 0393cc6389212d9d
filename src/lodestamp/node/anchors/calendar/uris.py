"""Names of calendars, and which of them may be asked (transparency spec R51, R54).

A URI that stands in a file was written by a stranger. It is asked only where a pattern allows its
host: those of the public calendars, and what the user added by hand. The host of this machine or of
a private network is asked only when it was added by hand in so many words.

>>> allowed = Whitelist(["http://127.0.0.1:14788"])
>>> allowed.refusal("https://alice.btc.calendar.opentimestamps.org") is None
True
>>> allowed.refusal("http://127.0.0.1:8332")
'it is no calendar that was named: --calendar names one'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Final

from lodestamp.errors import UsageError

PUBLIC_CALENDARS: Final = (
    "https://*.calendar.opentimestamps.org",
    "https://*.calendar.eternitywall.com",
    "https://*.calendar.catallaxy.com",
)
"""What the stock client asks as well."""
CALENDARS_MAX: Final = 16
"""Calendars one digest goes to: each is a connection of its own."""

_HINT: Final = "https://host[:port], or http:// on this machine or a network of your own"
# the characters that a pending attestation may have, less those that would blur where a host ends
_URI: Final = re.compile(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::([0-9]{1,5}))?((?:/.*)?)")
_PATTERN: Final = re.compile(r"(https?)://([a-z0-9.*-]+(?::[0-9*]{1,5})?)((?:/.*)?)")
_is_path: Final = re.compile(r"[A-Za-z0-9._:/-]*").fullmatch
_LOCAL_NAMES: Final = (".localhost", ".local", ".internal", ".home.arpa")


@dataclass(frozen=True, slots=True)
class CalendarUri:
    """Where a calendar is asked: ``https://host[:port][/path]``, without a slash at the end."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def netloc(self) -> str:
        """Host and port, as they stand in the URI."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def is_internal(self) -> bool:
        """Whether the host names this machine, a private network, or nothing that is public."""
        try:
            return not ip_address(self.host.strip("[]")).is_global
        except ValueError:
            pass
        # a name of digits alone may be a number that means an address, such as 2130706433
        host = self.host.rstrip(".")
        last = host.rpartition(".")[2]
        is_number = last.isdecimal() or last.startswith("0x")
        return is_number or "." not in host or f".{host}".endswith(_LOCAL_NAMES)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse_uri(text: str) -> CalendarUri:
    """Read the URI of a calendar, its last slash cut off; UsageError ``bad-calendar``."""
    found = _URI.fullmatch(text.removesuffix("/"))
    if found is None or len(text) > 1_000 or not _is_path(found[4]) or int(found[3] or 0) > 65_535:
        raise UsageError(f"{text!r:.100} names no calendar", code="bad-calendar", hint=_HINT)
    port = None if found[3] is None else int(found[3])
    return CalendarUri(found[1], found[2], port, found[4])


def parse_own_uri(text: str) -> str:
    """Read the URI that our own calendar promises to answer at for ever.

    UsageError ``bad-calendar``: it has no path, which stock clients would drop, and no slash.
    """
    uri = parse_uri(text)
    if uri.path or str(uri) != text:
        hint = "https://host[:port], without a path or a slash at the end"
        raise UsageError(f"{text!r:.100} cannot name this calendar", code="bad-calendar", hint=hint)
    return text


class Whitelist:
    """The calendars that may be asked: the public ones, and `added` by hand.

    Of `added` each is a URI, or a pattern as `PUBLIC_CALENDARS` are; UsageError ``bad-calendar``.
    """

    def __init__(self, added: Iterable[str] = ()) -> None:
        named = [each.removesuffix("/") for each in added]
        self._exact = frozenset(str(parse_uri(each)) for each in named if "*" not in each)
        self._patterns = [_parse_pattern(each) for each in (*PUBLIC_CALENDARS, *named)]

    def refusal(self, text: str) -> str | None:
        """Return why a URI found in a file is not asked; None when it may be."""
        try:
            uri = parse_uri(text)
        except UsageError as error:
            return error.message
        if str(uri) in self._exact:
            return None
        allowed = any(
            (uri.scheme, uri.path) == (scheme, path) and fnmatchcase(uri.netloc, netloc)
            for scheme, netloc, path in self._patterns
        )
        if not allowed:
            return "it is no calendar that was named: --calendar names one"
        if uri.is_internal:
            return "it is on this machine or a private network: --calendar must name it"
        return None


def _parse_pattern(text: str) -> tuple[str, str, str]:
    found = _PATTERN.fullmatch(text)
    if "*" not in text:
        uri = parse_uri(text)
        return uri.scheme, uri.netloc, uri.path
    if found is None or not _is_path(found[3]):
        raise UsageError(f"{text!r:.100} names no calendars", code="bad-calendar", hint=_HINT)
    return found[1], found[2], found[3]
