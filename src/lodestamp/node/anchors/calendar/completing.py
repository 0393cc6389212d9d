"""Making a timestamp complete: asking the calendars it names, and believing only a header (R53).

A timestamp in a file names whatever calendar its writer liked. Only those that the whitelist allows
are asked; what they answer counts when it ends in the Merkle root of a header known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from lodestamp.core.bitcoin import HEADER_SIZE
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Op,
    Pending,
    Timestamp,
    attested,
    lead_to,
    paths,
)
from lodestamp.errors import CalendarError, InputError
from lodestamp.node.anchors.calendar.client import NotYet
from lodestamp.node.anchors.calendar.uris import Whitelist

ASKED_MAX: Final = 32
"""Promises of one timestamp that are asked about: twice the calendars a digest may go to."""
_ROOT: Final = slice(36, 68)

Ask = Callable[[str, bytes], Timestamp | NotYet]
"""How a calendar is asked about a commitment: `CalendarClient.timestamp`, or our own `Lookup`."""


class Headers(Protocol):
    """The best chain of block headers, as far as it is known here."""

    def run(self, start: int, count: int) -> bytes:
        """Return up to `count` headers from a height on, 80 bytes each."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of asking: the way to a block and its height, or why each calendar has none."""

    timestamp: Timestamp | None
    height: int | None
    reasons: dict[str, str]

    def reason_beside(self, uri: str) -> str:
        """Return all reasons in one line; that of `uri` itself does not repeat its name."""
        said = (
            reason if named == uri else f"{named}: {reason}"
            for named, reason in self.reasons.items()
        )
        return "; ".join(said) or "it names no calendar"


class Completer:
    """Completes timestamps. It keeps nothing."""

    def __init__(self, ask: Ask, whitelist: Whitelist, headers: Headers) -> None:
        self._ask = ask
        self._whitelist = whitelist
        self._headers = headers

    def complete(self, timestamp: Timestamp) -> Completed:
        """Return the one path of a timestamp that ends in a verified block, the oldest it finds.

        Every calendar it names is asked, at most 32 of them; nothing is raised for what they say.
        """
        reasons: dict[str, str] = {}
        found = self._verified((), timestamp, timestamp.msg, reasons)
        asked = 0
        for ops, message, attestation in paths(timestamp):
            if found or not isinstance(attestation, Pending) or asked >= ASKED_MAX:
                continue
            asked += 1
            answer = self._ask_about(attestation.uri, message)
            if isinstance(answer, NotYet):
                reasons[attestation.uri] = answer.reason
                continue
            said: dict[str, str] = {}
            found += self._verified(ops, answer, timestamp.msg, said)
            reasons[attestation.uri] = next(iter(said.values()), "it names no Bitcoin block")
        if not found:
            return Completed(None, None, reasons)
        height, whole = min(found, key=_height_of)
        return Completed(whole, height, reasons)

    def _ask_about(self, uri: str, message: bytes) -> Timestamp | NotYet:
        refusal = self._whitelist.refusal(uri)
        if refusal is not None:
            return NotYet(refusal)
        try:
            return self._ask(uri, message)
        except CalendarError as error:
            return NotYet(error.message.removeprefix(f"{uri}: "))

    def _verified(
        self, ops: tuple[Op, ...], answer: Timestamp, start: bytes, reasons: dict[str, str]
    ) -> list[tuple[int, Timestamp]]:
        """Return each way from `start` to a header known here; note why a block is not one."""
        found = []
        for further, message, attestation in paths(answer):
            if not isinstance(attestation, BitcoinHeader):
                continue
            header = self._headers.run(attestation.height, 1)
            if len(header) != HEADER_SIZE:
                reasons[str(attestation)] = f"no header of {attestation} is known here"
            elif header[_ROOT] != message:
                reasons[str(attestation)] = f"it does not lead to {attestation} as known here"
            else:
                try:
                    end = attested(message, attestation)
                    whole = lead_to(start, [*ops, *further], end)
                except InputError as error:  # the joined path is too long
                    reasons[str(attestation)] = error.message
                else:
                    found.append((attestation.height, whole))
        return found


def _height_of(found: tuple[int, Timestamp]) -> int:
    return found[0]
