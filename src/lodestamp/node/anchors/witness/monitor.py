"""Following a log from outside: that it only grows, and that its entries are what it signed.

A monitor keeps the last checkpoint it has seen, signed as it came. Against a newer one that does
not follow from it the two notes are evidence that anybody can check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import orjson

from lodestamp.core.encoding import JsonValue, canonical_json
from lodestamp.core.merkle import (
    TILE_WIDTH,
    Frontier,
    leaf_hashes,
    prove_consistency,
    root_at,
    verify_consistency,
)
from lodestamp.core.transparency import (
    Checkpoint,
    VerifierKey,
    open_note,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)
from lodestamp.errors import BadNote, BadTreeProof, UsageError
from lodestamp.node.anchors.witness.remote_log import RemoteLog
from lodestamp.node.progress import Progress

TRAIL_SIZE_MAX: Final = 1 << 18
"""Bytes of a trail: one note and the keys of a log."""
_FORMAT: Final = "lodestamp-trail/1"

Outcome = Literal["grown", "forked", "rolled-back", "broken"]
"""``grown``, perhaps by nothing; ``forked``: two signed trees of which neither holds the other;
``rolled-back``: an older tree than it showed before; ``broken``: tiles or entries that do not lead
to the root it signed."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Where following stands: the keys that are trusted, and the last note that held."""

    vkeys: tuple[VerifierKey, ...]
    note: bytes

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says. BadNote when it is not signed by these keys."""
        return parse_checkpoint(open_note(self.note, self.vkeys).text)

    def encode(self) -> bytes:
        """Return it as canonical JSON."""
        vkeys: list[JsonValue] = [vkey.text() for vkey in self.vkeys]
        return canonical_json({"format": _FORMAT, "note": self.note.decode(), "vkeys": vkeys})

    @classmethod
    def parse(cls, data: bytes) -> Trail:
        """Read what `encode` wrote; UsageError ``bad-trail`` for anything else."""
        try:
            document = orjson.loads(data)
            trail = cls(
                tuple(parse_vkey(text) for text in document["vkeys"]), document["note"].encode()
            )
            if trail.encode() == data and trail.checkpoint.origin:
                return trail
        except (ValueError, TypeError, KeyError, AttributeError, BadNote):
            pass
        hint = "delete the file to begin anew, with --vkey"
        raise UsageError("this is no trail of an audit", code="bad-trail", hint=hint)


@dataclass(frozen=True, slots=True)
class Followed:
    """What was found: the checkpoint shown, its note, and how many entries were read."""

    outcome: Outcome
    checkpoint: Checkpoint
    note: bytes
    entries: int = 0
    detail: str = ""


class Monitor:
    """Follows one log under trusted keys, from a trail if there is one."""

    def __init__(
        self, log: RemoteLog, vkeys: Sequence[VerifierKey], before: Checkpoint | None = None
    ) -> None:
        self._log = log
        self._vkeys = tuple(vkeys)
        self._before = before

    def follow(self, start: int | None = None, *, progress: Progress | None = None) -> Followed:
        """Fetch the newest checkpoint, hold it against the trail, and read the entries since.

        `start` reads entries from there instead. RemoteError when the log does not give what is
        needed, BadNote when no trusted key has signed its checkpoint or it is of another log,
        UsageError for a start beyond it.
        """
        note = self._log.checkpoint()
        checkpoint = parse_checkpoint(open_note(note, self._vkeys).text)
        before = self._before
        if before is not None and before.origin != checkpoint.origin:
            raise BadNote(f"it is the log {checkpoint.origin:.120} now", code="bad-checkpoint")
        if before is not None and (said := self._compare(before, checkpoint)) is not None:
            return Followed(said[0], checkpoint, note, detail=said[1])
        if start is None:
            start = before.size if before else 0
        if start > checkpoint.size:
            raise UsageError(f"the log has {checkpoint.size} entries, not {start}")
        if self._root_from_entries(start, checkpoint.size, progress) != checkpoint.root:
            detail = f"the entries from {start} on do not lead to the root of {checkpoint.size}"
            return Followed("broken", checkpoint, note, detail=detail)
        return Followed("grown", checkpoint, note, checkpoint.size - start)

    def holds(self, other: Checkpoint, newest: Checkpoint) -> bool:
        """Tell whether the tree of `newest` begins with that of `other`, by the log's tiles."""
        return root_at(self._log.tiles(newest.size), other.size) == other.root

    def _compare(self, before: Checkpoint, now: Checkpoint) -> tuple[Outcome, str] | None:
        """Say how the new tree does not follow from the old one; None when it does."""
        if now.size < before.size:
            return "rolled-back", f"size {now.size} after size {before.size}"
        if now.size == before.size:
            forked = now.root != before.root
            return ("forked", f"two roots of size {now.size}") if forked else None
        if before.size == 0:
            return None
        tiles = self._log.tiles(now.size)
        try:
            verify_consistency(
                prove_consistency(tiles, before.size, now.size), before.root, now.root
            )
        except BadTreeProof:
            if root_at(tiles, now.size) != now.root:
                return "broken", f"its tiles do not lead to the root of {now.size}"
            return "forked", f"the tree of {now.size} does not begin with that of {before.size}"
        return None

    def _root_from_entries(self, start: int, size: int, progress: Progress | None) -> bytes:
        frontier = Frontier.from_tiles(self._log.tiles(size), start)
        while frontier.size < size:
            index, skip = divmod(frontier.size, TILE_WIDTH)
            frontier = frontier.extend(leaf_hashes(self._log.entries(index, size)[skip:]))
            if progress is not None:
                progress(frontier.size - start, size - start)
        return frontier.root()


def origin_of(note: bytes) -> str:
    """Return the origin that a note names, whoever signed it; BadNote when it is no checkpoint."""
    return parse_checkpoint(parse_note(note).text).origin
