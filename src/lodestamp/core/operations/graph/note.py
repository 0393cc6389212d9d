r"""The state note: what a log says of all statuses at one size, for a signature to stand under.

::

    <origin>/state
    <log size>
    <state digest in base64>
    <number of leaves>

The state digest is the RFC 9162 root over one leaf per operation, its digest and its status byte,
ascending. A path from a leaf to it shows one operation's status, on the log's word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import Digest, base64_decode, base64_encode
from lodestamp.core.merkle import (
    InclusionProof,
    leaf_hash,
    leaf_hashes,
    prove_inclusion,
    root,
    verify_inclusion,
)
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import Status
from lodestamp.errors import BadNote, EncodingError, UsageError

SUFFIX: Final = "/state"
_number: Final = re.compile(r"0|[1-9][0-9]{0,18}").fullmatch


@dataclass(frozen=True, slots=True)
class StateNote:
    """The state of a log of `size` operations: its digest (32 bytes), over `leaves` leaves."""

    origin: str
    size: int
    digest: Digest
    leaves: int

    def text(self) -> str:
        """Spell the text that is signed; UsageError when the origin is not one line."""
        if not self.origin or not self.origin.isprintable() or " " in self.origin:
            raise UsageError(f"{self.origin!r:.80} is not the name of a log")
        lines = (f"{self.origin}{SUFFIX}", str(self.size), base64_encode(self.digest), self.leaves)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> StateNote:
        """Read the text of a state note; BadNote ``malformed`` for any other."""
        lines = text.split("\n")
        name = lines[0].removesuffix(SUFFIX)
        if len(lines) != 5 or lines[4] or name == lines[0]:
            raise BadNote("not the text of a state note", code="malformed")
        try:
            digest = base64_decode(lines[2])
        except EncodingError:
            digest = b""
        if len(digest) != 32 or not _number(lines[1]) or not _number(lines[3]):
            raise BadNote("a state note has a size, a digest and a number", code="malformed")
        note = cls(name, int(lines[1]), Digest(digest), int(lines[3]))
        try:
            note.text()
        except UsageError as error:
            raise BadNote(error.message, code="malformed") from None
        return note


@dataclass(frozen=True, slots=True)
class StatePath:
    """The status of an operation and the path from its leaf to the state digest."""

    op_digest: Digest
    status: Status
    proof: InclusionProof

    def verify(self, note: StateNote) -> None:
        """Check the path; BadTreeProof when it does not lead from this leaf to that state."""
        leaf = leaf_hash(self.op_digest + bytes((self.status,)))
        verify_inclusion(leaf, self.proof, note.digest)


def state_note(state: State, origin: str) -> StateNote:
    """Return what there is to sign of a state."""
    return StateNote(origin, len(state), state.digest(), len(state))


def state_path(state: State, op_id: str) -> StatePath:
    """Return the path of an operation's status; CausalError when it is not held. O(log)."""
    index = state.index_of(op_id)
    digest = Digest(bytes.fromhex(op_id.removeprefix("sha256:")))
    status = Status(state.counters.statuses[index])
    leaves = state.leaves()
    place = leaves.index(digest + bytes((status,)))
    proof = prove_inclusion(_Leaves(leaf_hashes(leaves)), place, len(leaves))
    return StatePath(digest, status, proof)


class _Leaves:
    """Hashes of tile levels over leaves in memory."""

    def __init__(self, leaves: list[Digest]) -> None:
        self._leaves = leaves

    def hashes(self, level: int, start: int, count: int) -> bytes:
        width = 256**level
        places = range(start * width, (start + count) * width, width)
        return b"".join(root(self._leaves[place : place + width]) for place in places)
