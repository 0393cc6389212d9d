"""Asking calendars: for a promise, and later for what was promised (transparency spec R52).

Nothing a calendar says is believed: what it answers must be a timestamp of the very bytes it was
asked about, and is written anew in canonical form. A redirect is not followed, an answer is read up
to a bound, and a calendar that fails is one refusal among the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from lodestamp.core.timestamps import Timestamp, merge, parse_timestamp
from lodestamp.errors import CalendarError, InputError, LimitExceeded, UsageError
from lodestamp.node.anchors.calendar.uris import CALENDARS_MAX, parse_uri
from lodestamp.version import __version__

ANSWER_SIZE_MAX: Final = 10_000
"""Bytes of a calendar's answer: where stock clients cut it off, so that none sends more (R46)."""
REASON_LENGTH_MAX: Final = 160
"""Characters kept of what a calendar says, as stock clients do (R45)."""
TIMEOUT_S: Final = 5.0
"""Seconds that one calendar may take."""
NEEDED: Final = 2
"""Calendars that must promise, where as many are asked: one alone may vanish."""

_HEADERS: Final = {
    "Accept": "application/vnd.opentimestamps.v1",
    "Accept-Encoding": "identity",
    "Content-Type": "application/x-www-form-urlencoded",  # what stock clients send
    "User-Agent": f"lodestamp/{__version__}",
}
_KEPT: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#-.,; ")


@dataclass(frozen=True, slots=True)
class Promised:
    """What calendars promised of one digest, by URI, and why the others did not."""

    timestamps: dict[str, Timestamp]
    refusals: dict[str, str]

    def merged(self) -> Timestamp:
        """Return all promises as one timestamp; there is at least one."""
        first, *others = self.timestamps.values()
        for each in others:
            first = merge(first, each)
        return first


@dataclass(frozen=True, slots=True)
class NotYet:
    """A calendar has no way to a block yet, for this reason."""

    reason: str


class CalendarClient:
    """Asks calendars over HTTP, each in its own `timeout_s` and no longer. Thread-safe."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def submit(self, digest: bytes, uris: Sequence[str], *, needed: int | None = None) -> Promised:
        """Hand a digest to calendars, all at once; at least `needed` (default min(2, n)) promise.

        CalendarError ``calendar.too-few`` when fewer do; UsageError ``bad-calendar`` for what names
        no calendar, before any is asked; LimitExceeded for more than 16.
        """
        named = list(dict.fromkeys(str(parse_uri(uri)) for uri in uris))
        if len(named) > CALENDARS_MAX:
            raise LimitExceeded("the number of calendars", CALENDARS_MAX, len(named))
        needed = min(NEEDED, len(named)) if needed is None else needed
        if not 1 <= needed <= len(named):
            message = f"{needed} promises of {len(named)} calendars"
            raise UsageError(message, code="calendar-count", hint="name as many calendars")
        promised = self.ask_all(digest, named)
        if len(promised.timestamps) < needed:
            why = "; ".join(promised.refusals.values())
            message = f"{len(promised.timestamps)} of {needed} calendars promised: {why}"
            raise CalendarError("calendar.too-few", message, hint="try again later, or name others")
        return promised

    def ask_all(self, digest: bytes, uris: Sequence[str]) -> Promised:
        """Hand a digest to calendars, all at once, and return what each said; it raises nothing."""
        return asyncio.run(self._ask_all(digest, uris))

    def timestamp(self, uri: str, commitment: bytes) -> Timestamp | NotYet:
        """Ask the calendar at `uri` for the way from a commitment to a block.

        CalendarError ``calendar.unreachable``, ``calendar.refused``, ``calendar.too-large`` or
        ``calendar.malformed``. Whether `uri` may be asked at all is for the caller to know.
        """
        url = f"{uri}/timestamp/{commitment.hex()}"
        status, body = asyncio.run(self._exchange("GET", url, uri, None))
        if status == httpx.codes.NOT_FOUND:
            return NotYet(reason_of(body))
        if status != httpx.codes.OK:
            raise _refused(uri, status, body)
        return _parse(uri, body, commitment)

    async def _ask_all(self, digest: bytes, uris: Sequence[str]) -> Promised:
        promised = Promised({}, {})
        asked = (self._post(uri, digest) for uri in uris)
        for uri, answer in zip(uris, await asyncio.gather(*asked), strict=True):
            if isinstance(answer, CalendarError):
                promised.refusals[uri] = answer.message
            else:
                promised.timestamps[uri] = answer
        return promised

    async def _post(self, uri: str, digest: bytes) -> Timestamp | CalendarError:
        try:
            status, body = await self._exchange("POST", f"{uri}/digest", uri, digest)
            if status != httpx.codes.OK:
                return _refused(uri, status, body)
            return _parse(uri, body, digest)
        except CalendarError as error:
            return error

    async def _exchange(
        self, method: str, url: str, uri: str, content: bytes | None
    ) -> tuple[int, bytes]:
        """Return status and body; CalendarError when there is none in time, or it is too long."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                httpx.AsyncClient(
                    headers=_HEADERS, timeout=self._timeout_s, trust_env=False
                ) as client,
                client.stream(method, url, content=content) as response,
            ):
                return response.status_code, await _read(response, uri)
        except TimeoutError:
            message = f"{uri}: no answer within {self._timeout_s:g} seconds"
            raise CalendarError("calendar.unreachable", message) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"{uri}: {str(error) or type(error).__name__}"
            raise CalendarError("calendar.unreachable", message) from error


def reason_of(said: bytes) -> str:
    """Return what a calendar says, foreign signs as ``_``, at most 160 characters (R45).

    >>> reason_of(b"Pending<b> confirmation")
    'Pending_b_ confirmation'
    """
    text = said[:REASON_LENGTH_MAX].decode("latin-1")
    return "".join(each if each in _KEPT else "_" for each in text)


async def _read(response: httpx.Response, uri: str) -> bytes:
    """Read a body as it was sent: one that was packed would grow beyond any bound."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size += len(piece)
        if size > ANSWER_SIZE_MAX:
            message = f"{uri} answered more than {ANSWER_SIZE_MAX:,} bytes"
            raise CalendarError("calendar.too-large", message)
    return b"".join(pieces)


def _refused(uri: str, status: int, body: bytes) -> CalendarError:
    message = f"{uri} answered {status} {reason_of(body)}".rstrip()
    return CalendarError("calendar.refused", message)


def _parse(uri: str, body: bytes, message: bytes) -> Timestamp:
    try:
        return parse_timestamp(body, message)
    except InputError as error:
        said = f"{uri} answered no timestamp: {error.message}"
        raise CalendarError("calendar.malformed", said) from error
