"""The log: an append-only RFC 9162 tree over operation CIDs, sealed by signed checkpoints.

Everything here happens inside a transaction that the `Recorder` (or a reader) opened. A checkpoint
is signed in the same transaction that stores its leaves and is released only after the commit, so
no two notes of one size ever leave this process (transparency spec R20, R29, R30).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from sqlalchemy import Connection, insert, select, update

from lodestamp.core.encoding import OP_CID_PREFIX, Digest
from lodestamp.core.merkle import (
    EMPTY_ROOT,
    TILE_WIDTH,
    ConsistencyProof,
    Frontier,
    InclusionProof,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
)
from lodestamp.core.transparency import (
    Checkpoint,
    Cosigner,
    Note,
    NoteSigner,
    VerifierKey,
    open_note,
    parse_checkpoint,
)
from lodestamp.errors import BadNote, InputError, LogCorrupt, UsageError
from lodestamp.node.recorder.queries import newest_leaf
from lodestamp.node.recorder.tables import log_checkpoint, log_head
from lodestamp.node.recorder.tiles import TileReader, append_hashes

_HEAD_ROW: Final = 1
# Built once, as each proof reads it: making and keying the statement costs more than running it.
_HEAD: Final = select(log_head.c.size, log_head.c.root, log_head.c.note)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest checkpoint as the database holds it."""

    size: int
    root: Digest
    note: bytes


def create(
    connection: Connection, signer: NoteSigner, sealed_at: int, cosigner: Cosigner | None = None
) -> None:
    """Write the head and checkpoint of the empty log of this signer's name."""
    note = _signed(Checkpoint(signer.name, 0, EMPTY_ROOT), signer, cosigner, sealed_at)
    row = {"size": 0, "root": EMPTY_ROOT, "note": note}
    connection.execute(insert(log_head), {"id": _HEAD_ROW, **row})
    connection.execute(insert(log_checkpoint), {"sealed_at": sealed_at, **row})


def read_head(connection: Connection) -> Head:
    """Return the newest checkpoint; LogCorrupt when there is none."""
    row = connection.execute(_HEAD).one_or_none()
    if row is None:
        raise LogCorrupt("the log has no head")
    return Head(row.size, Digest(row.root), row.note)


def checkpoint_note(connection: Connection, size: int | None = None) -> bytes:
    """Return the signed note of this size, by default the newest; UsageError when there is none."""
    newest = read_head(connection)
    if size is None:
        return newest.note
    _within(newest, size)
    query = select(log_checkpoint.c.note).where(log_checkpoint.c.size == size)
    note: bytes | None = connection.execute(query).scalar()
    if note is None:
        hint = "`lodestamp log checkpoint` without --size prints the newest"
        raise UsageError(
            f"no checkpoint was signed at size {size}", code="no-checkpoint", hint=hint
        )
    return note


def inclusion(
    connection: Connection, index: int, size: int | None = None
) -> tuple[InclusionProof, Digest]:
    """Return the path of leaf `index` in the tree of `size` leaves (default: all), and its root."""
    newest = read_head(connection)
    size = newest.size if size is None else size
    _within(newest, size)
    reader = TileReader(connection)
    return prove_inclusion(reader, index, size), root_at(reader, size)


def consistency(connection: Connection, size1: int, size2: int) -> ConsistencyProof:
    """Return the proof that the first `size1` leaves are a prefix of the first `size2`."""
    _within(read_head(connection), size2)
    return prove_consistency(TileReader(connection), size1, size2)


def _signed(
    checkpoint: Checkpoint, signer: NoteSigner, cosigner: Cosigner | None, sealed_at: int
) -> bytes:
    """Sign a checkpoint: the log's line of type 01, and of type 06 where it has that key (R17)."""
    text = checkpoint.text()
    lines = [signer.sign(text)]
    if cosigner is not None:
        lines.append(cosigner.sign(text, sealed_at // 1000))
    return Note(text, tuple(lines)).encode()


def _within(newest: Head, size: int) -> None:
    if not 0 <= size <= newest.size:
        raise UsageError(f"the log has {newest.size} operations, not {size}", code="beyond-log")


@dataclass(frozen=True, slots=True)
class Log:
    """The writer's view: who signs, and the frontier after the last commit it knows of.

    `cosigner` is the log's own post-quantum key, where it has one (R17).

    It is a value: `extend` returns the next one, which the caller adopts once the transaction has
    committed; a failed commit simply keeps the old one.
    """

    signer: NoteSigner
    key: VerifierKey
    frontier: Frontier
    head: Head
    cosigner: Cosigner | None = None

    @classmethod
    def load(
        cls, connection: Connection, signer: NoteSigner, cosigner: Cosigner | None = None
    ) -> Self:
        """Rebuild the frontier from the tiles and hold it against head, note and newest row.

        LogCorrupt when they contradict each other (R30): nothing may be appended then.
        """
        key = signer.verifier_key
        head = read_head(connection)
        frontier = Frontier.from_tiles(TileReader(connection), head.size)
        if frontier.root() != head.root:
            raise LogCorrupt(
                f"the stored tree does not have the root of its head, size {head.size}"
            )
        _check_note(head, key)
        _check_newest_row(connection, head)
        return cls(signer, key, frontier, head, cosigner)

    def catch_up(self, connection: Connection) -> Self:
        """Return the log as it stands in this transaction: another process may have appended."""
        head = read_head(connection)
        if head.size == self.head.size and head.root == self.head.root:
            return self
        reader = TileReader(connection)
        frontier = Frontier.from_tiles(reader, head.size)
        shrunk = head.size < self.head.size
        if (
            shrunk
            or frontier.root() != head.root
            or root_at(reader, self.head.size) != self.head.root
        ):
            raise LogCorrupt(f"the head moved from size {self.head.size} to a tree it is not")
        return replace(self, frontier=frontier, head=head)

    def extend(self, connection: Connection, digests: Sequence[Digest], sealed_at: int) -> Self:
        """Append these operations, sign the new checkpoint and swap the head.

        Call it on a log that has caught up in this very transaction.
        """
        leaves = [leaf_hash(OP_CID_PREFIX + digest) for digest in digests]
        frontier, levels = self.frontier.grow(leaves)
        first = self.frontier.size
        for level, hashes in enumerate(levels):
            append_hashes(connection, level, first // TILE_WIDTH**level, hashes)
        root = frontier.root()
        checkpoint = Checkpoint(self.signer.name, frontier.size, root)
        note = _signed(checkpoint, self.signer, self.cosigner, sealed_at)
        head = Head(frontier.size, root, note)
        _swap_head(connection, self.head, head, sealed_at)
        return replace(self, frontier=frontier, head=head)


def _swap_head(connection: Connection, old: Head, new: Head, sealed_at: int) -> None:
    swap = (
        update(log_head)
        .where(log_head.c.id == _HEAD_ROW, log_head.c.size == old.size, log_head.c.root == old.root)
        .values(size=new.size, root=new.root, note=new.note)
    )
    if connection.execute(swap).rowcount != 1:
        raise LogCorrupt("the head moved inside our own transaction")
    row = {"size": new.size, "root": new.root, "note": new.note, "sealed_at": sealed_at}
    connection.execute(insert(log_checkpoint), row)


def _check_note(head: Head, key: VerifierKey) -> None:
    try:
        checkpoint = parse_checkpoint(open_note(head.note, [key]).text)
    except BadNote as error:
        raise LogCorrupt(f"the head's checkpoint: {error.message}") from error
    if checkpoint != Checkpoint(key.name, head.size, head.root):
        raise LogCorrupt("the head's checkpoint speaks of another tree")


def _check_newest_row(connection: Connection, head: Head) -> None:
    """Refuse a log whose newest row, the one a torn write would spoil, is not what it seals."""
    newest = newest_leaf(connection)
    size = 0 if newest is None else newest[0] + 1
    if size != head.size:
        raise LogCorrupt(f"the log holds {size} operations, but its head seals {head.size}")
    if newest is not None:
        index, entry = newest
        if TileReader(connection).hashes(0, index, 1) != leaf_hash(entry):
            raise LogCorrupt(f"leaf {index} is not the operation stored beside it")


def check_published(connection: Connection, note: bytes, key: VerifierKey) -> None:
    """Refuse a log that is older than, or forked from, a checkpoint this home has published.

    A database can fall back to an earlier state that is consistent in itself: a lost write-ahead
    log, a restored backup. Going on from there would sign a second root for a size (R20).
    """
    try:
        published = parse_checkpoint(open_note(note, [key]).text)
    except InputError as error:
        hint = "if `lodestamp fsck` finds nothing but this, delete the home's file `checkpoint`"
        raise LogCorrupt(f"the published checkpoint: {error.message}", hint=hint) from error
    head = read_head(connection)
    if published.size > head.size:
        raise LogCorrupt(
            f"the log has {head.size} operations, but {published.size} were acknowledged",
            code="log-rolled-back",
            hint="the database lost its newest part; restore a newer copy of it",
        )
    if root_at(TileReader(connection), published.size) != published.root:
        raise LogCorrupt(
            f"the log is not the one whose checkpoint of size {published.size} was published",
            code="log-forked",
        )
