"""Answering a peer (operations spec §11). Who may ask is decided before anything here is called.

Each call takes a body and returns bytes, or pieces of a stream. What to send is settled in one
short read; the wire forms are then read piece by piece, so that a slow peer holds no transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from lodestamp.core.encoding import Digest, JsonObject, canonical_json
from lodestamp.errors import (
    LimitExceeded,
    LodestampError,
    SnapshotGoneError,
    SyncError,
    UsageError,
)
from lodestamp.node.recorder import (
    Answer,
    Leaf,
    above,
    above_chains,
    chain_ends,
    find_leaves,
    head_leaves,
    heads_digest,
    read_head,
    read_leaves,
    read_wires,
)
from lodestamp.node.sync.limits import (
    HEADS_MAX,
    IDS_MAX,
    PEER_ERRORS_MAX,
    PIECE_SIZE_MAX,
    PUSH_LINES_MAX,
    PUSH_SIZE_MAX,
    VECTOR_SIZE_MAX,
)
from lodestamp.node.sync.messages import (
    End,
    HeadsAnswer,
    HeadsAsked,
    claimed_id,
    parse_digests,
    parse_members,
    parse_vector,
    split_lines,
)
from lodestamp.node.sync.store import SyncStore
from lodestamp.node.sync.symbols import FRAME_SYMBOLS_MAX, SYMBOL_INDEX_MAX

_PUSHED_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 200


class SyncServer:
    """Answers the calls of an owner peer from a log. Thread-safe."""

    def __init__(self, store: SyncStore) -> None:
        self._store = store

    def heads(self, body: bytes) -> bytes:
        """Say how the caller stands to us, as far as its heads tell.

        ``ahead`` is only said by an empty log: whether the caller holds our heads is for it to see.
        """
        asked = HeadsAsked.parse(body)
        with self._store.database.reading("comparing heads") as connection:
            heads = head_leaves(connection)
            size = read_head(connection).size
            known = find_leaves(connection, asked.heads)
        digest = heads_digest(heads)
        unknown = tuple(each for each in asked.heads if each not in known)
        answer = HeadsAnswer(
            origin=self._store.origin,
            relation=_relation(asked, self._store.origin, digest, unknown=unknown, size=size),
            heads=tuple(head.digest for head in heads[:HEADS_MAX]),
            count=len(heads),
            size=size,
            digest=digest,
            unknown=unknown,
            riblt_key=self._store.symbols.key,
        )
        return answer.encode()

    def pull(self, body: bytes) -> Iterator[bytes]:
        """Stream what is no ancestor of `have`, parents first; after `after`, where that is given.

        What `have` names and we do not hold is passed over.
        """
        document = parse_members(body, {"have"}, optional={"after"})
        have = parse_digests(document["have"], HEADS_MAX)
        after = parse_digests([document["after"]], 1) if "after" in document else ()
        with self._store.database.reading("reading what a peer lacks") as connection:
            heads = head_leaves(connection)
            common = [leaf.seq for leaf in find_leaves(connection, have).values()]
            seqs = above(connection, common, read_head(connection).size)
            if after:
                found = find_leaves(connection, after)
                if not found:
                    raise UsageError("`after` is no operation of this log", code="bad-body")
                seqs = [seq for seq in seqs if seq > found[after[0]].seq]
        return self._stream(seqs, heads)

    def vector(self, body: bytes) -> Iterator[bytes]:
        """Stream what lies above the caller's chain ends; the last line carries ours.

        SyncError ``not-chains`` when our operations are not all in chains without forks.
        """
        document = parse_members(body, {"vector"}, VECTOR_SIZE_MAX)
        ends = parse_vector(document["vector"])
        with self._store.database.reading("reading above a vector") as connection:
            own = chain_ends(connection)
            if own is None:
                raise SyncError("this log is not made of chains only", code="not-chains")
            heads = head_leaves(connection)
            seqs = above_chains(connection, ends, read_head(connection).size)
        return self._stream(seqs, heads, End(len(seqs), _first(heads), tuple(own)))

    def symbols(self, size: int, first: int, count: int) -> bytes:
        """Return a frame of coded symbols of our first `size` operations (Y2).

        SnapshotGoneError when that set is no longer, or not yet, to be had.
        """
        if not 1 <= count <= FRAME_SYMBOLS_MAX:
            raise LimitExceeded("the number of symbols", FRAME_SYMBOLS_MAX, count)
        if first + count > SYMBOL_INDEX_MAX:
            raise LimitExceeded("the index of a symbol", SYMBOL_INDEX_MAX, first + count)
        symbols = self._store.symbols
        return symbols.under(symbols.key).frame(first, count, size)

    def ids(self, size: int) -> Iterator[bytes]:
        """Stream the 32-byte digests of our first `size` operations, in log order."""
        with self._store.database.reading("listing ids") as connection:
            if size > read_head(connection).size:
                raise SnapshotGoneError(f"there are no {size:,} operations")
        return self._digests(size)

    def ops(self, body: bytes) -> Iterator[bytes]:
        """Stream the operations of these ids, parents first; what we do not hold is left out."""
        wanted = parse_digests(parse_members(body, {"ids"})["ids"], IDS_MAX)
        with self._store.database.reading("reading operations") as connection:
            heads = head_leaves(connection)
            seqs = sorted(leaf.seq for leaf in find_leaves(connection, wanted).values())
        return self._stream(seqs, heads)

    def push(self, body: bytes, peer: str) -> Iterator[bytes]:
        """Record what a peer sends; one line answers each of its lines, in their order.

        After 16 refused operations the rest is answered ``dropped`` unread (S38).
        """
        if len(body) > PUSH_SIZE_MAX:
            raise LimitExceeded("the size of a push", PUSH_SIZE_MAX, len(body))
        lines = list(split_lines(body, PUSH_LINES_MAX))
        return self._recorded(lines, peer)

    def _recorded(self, lines: Sequence[bytes], peer: str) -> Iterator[bytes]:
        refused = 0
        for at in range(0, len(lines), _PUSHED_AT_ONCE):
            some = lines[at : at + _PUSHED_AT_ONCE]
            if refused >= PEER_ERRORS_MAX:
                answers: list[Answer] = [_DROPPED] * len(some)
            else:
                answers = self._store.record(some, peer)
            refused += sum(isinstance(each, LodestampError) for each in answers)
            yield b"".join(map(answer_line, some, answers))

    def _stream(
        self, seqs: Sequence[int], heads: Sequence[Leaf], end: End | None = None
    ) -> Iterator[bytes]:
        """Yield wire forms line by line, in pieces, and the last line."""
        piece: list[bytes] = []
        size = count = 0
        for at in range(0, len(seqs), _ROWS_AT_ONCE):
            with self._store.database.reading("reading operations") as connection:
                wires = list(read_wires(connection, seqs[at : at + _ROWS_AT_ONCE]))
            for wire in wires:
                piece.append(wire + b"\n")
                size += len(wire)
                if size >= PIECE_SIZE_MAX:
                    yield b"".join(piece)
                    piece, size = [], 0
            count += len(wires)
        end = End(count, _first(heads), end.vector if end else ())
        yield b"".join(piece) + end.encode() + b"\n"

    def _digests(self, size: int) -> Iterator[bytes]:
        step = PIECE_SIZE_MAX // 32
        for first in range(0, size, step):
            with self._store.database.reading("listing ids") as connection:
                leaves = list(read_leaves(connection, first, min(first + step, size)))
            yield b"".join(leaf.digest for leaf in leaves)


_DROPPED: Final = SyncError("too many refused operations came before", code="dropped")


def answer_line(wire: bytes, answer: Answer) -> bytes:
    """Return the line that answers one pushed operation: ``{op_id, status, code?, missing?}``."""
    line: JsonObject
    if isinstance(answer, LodestampError):
        line = {"op_id": claimed_id(wire), "status": "rejected", "code": answer.code}
    else:
        line = {"op_id": answer.op_id, "status": answer.status.value}
        if answer.missing:
            line["missing"] = list(answer.missing)
    return canonical_json(line) + b"\n"


def _relation(
    asked: HeadsAsked, origin: str, digest: Digest, *, unknown: Sequence[Digest], size: int
) -> str:
    if asked.origin != origin:
        return "unrelated"
    if asked.digest == digest:
        return "equal"
    if not unknown and len(asked.heads) == asked.count:
        return "behind"
    return "ahead" if size == 0 else "diverged"


def _first(heads: Iterable[Leaf]) -> tuple[Digest, ...]:
    return tuple(head.digest for head in heads)[:HEADS_MAX]
