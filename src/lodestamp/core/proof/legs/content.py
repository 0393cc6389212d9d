"""The ``content`` leg: the bytes at hand are those the operation speaks of.

The operation speaks of content through an evidence of kind ``lodestamp.content/1``: the subject, or
one the subject derives from. Its ``content`` names root CID, import profile, size, and perhaps a
file name and the SHA-256 of the whole. Bytes are imported anew by that profile, in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.content import address_file, get_profile
from lodestamp.core.operations import Operation
from lodestamp.core.proof.model import Content
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import ContentError

NAME: Final = "content"
CONTENT_KIND: Final = "lodestamp.content/1"
"""The kind of an evidence that speaks of content."""
BYTES_GIVEN: Final = "bytes given"

Pieces = bytes | bytearray | memoryview | Iterable[bytes | memoryview]
"""Content to check: the whole of it, or its pieces in order, none of them kept."""

_STATED: Final = frozenset({"cid", "profile", "size"})
_STATED_OPTIONAL: Final = frozenset({"name", "sha256"})


@dataclass(frozen=True, slots=True)
class _Statement:
    """What an evidence says of content. Types other than the expected match nothing."""

    cid: object
    profile: object
    size: object
    name: object
    sha256: object


def check_content(
    section: Content, operations: Iterable[Operation], pieces: Pieces | None, *, counts: bool
) -> Leg:
    """Check what is stated, then the bytes; `counts` says whether absent bytes leave a gap."""
    statement = _stated(section, operations)
    if isinstance(statement, Leg):
        return statement
    if pieces is None:
        detail = "the content itself was not given"
        return Leg.unknown(NAME, "bytes_absent", detail, counts=counts)
    try:
        profile = get_profile(section.profile)
    except ContentError as error:
        return Leg.unknown(NAME, "profile_unknown", error.message)
    meter = _Meter(section.size, hashing=statement.sha256 is not None)
    root = address_file(meter.measure(pieces), profile)
    if meter.size != section.size:
        more = "more than " if meter.size > section.size else ""
        detail = f"{more}{min(meter.size, section.size):,} bytes, not {section.size:,}"
        return Leg.refuted(NAME, "size_mismatch", detail)
    if root.cid != section.cid:
        return Leg.refuted(NAME, "cid_mismatch", f"the bytes have the CID {root.cid}")
    if statement.sha256 is not None and meter.hexdigest() != statement.sha256:
        detail = f"the bytes have the SHA-256 {meter.hexdigest()}"
        return Leg.refuted(NAME, "sha256_mismatch", detail)
    facts: dict[str, Fact] = {
        "cid": str(section.cid),
        "profile": section.profile,
        "size": section.size,
    }
    also = {"name": statement.name, "sha256": statement.sha256}
    facts |= {fact: value for fact, value in also.items() if isinstance(value, str)}
    return Leg(NAME, Status.ESTABLISHED, basis=BYTES_GIVEN, facts=facts)


def _stated(section: Content, operations: Iterable[Operation]) -> _Statement | Leg:
    """Return the statement that names this content, or the leg that says why none does."""
    statements = list(_statements(operations))
    if not statements:
        detail = f"no operation here is an evidence of kind {CONTENT_KIND}"
        return Leg.refuted(NAME, "not_in_operation", detail)
    same = [statement for statement in statements if statement.cid == str(section.cid)]
    if not same:
        detail = f"the operation speaks of {statements[0].cid!s:.80}, not of {section.cid}"
        return Leg.refuted(NAME, "cid_mismatch", detail)
    same = [statement for statement in same if _equal_int(statement.size, section.size)]
    if not same:
        detail = f"the operation does not say {section.size:,} bytes"
        return Leg.refuted(NAME, "size_mismatch", detail)
    for statement in same:
        if statement.profile == section.profile:
            return statement
    detail = f"the operation does not say profile {section.profile:.80}"
    return Leg.refuted(NAME, "not_in_operation", detail)


def _statements(operations: Iterable[Operation]) -> Iterator[_Statement]:
    for operation in operations:
        if operation.type != "evidence" or operation.body["kind"] != CONTENT_KIND:
            continue
        stated = operation.body["content"]
        if not isinstance(stated, dict):
            continue
        if _STATED <= stated.keys() <= _STATED | _STATED_OPTIONAL:
            yield _Statement(**{name: stated.get(name) for name in _Statement.__slots__})


def _equal_int(stated: object, size: int) -> bool:
    """Compare as JSON does: true is no 1."""
    return type(stated) is int and stated == size


class _Meter:
    """Counts and hashes pieces on their way to the importer; it stops one piece too late."""

    def __init__(self, size: int, *, hashing: bool) -> None:
        self.size = 0
        self._expected = size
        self._sha256 = sha256() if hashing else None

    def measure(self, pieces: Pieces) -> Iterator[bytes | memoryview]:
        """Pass pieces on until they are more than expected: the rest could not make it right."""
        if isinstance(pieces, bytes | bytearray | memoryview):
            pieces = (memoryview(pieces),)
        for piece in pieces:
            self.size += memoryview(piece).nbytes
            if self.size > self._expected:
                return
            if self._sha256 is not None:
                self._sha256.update(piece)
            yield piece

    def hexdigest(self) -> str | None:
        """Return the SHA-256 of all that passed, if anyone asked for it."""
        return self._sha256.hexdigest() if self._sha256 else None
