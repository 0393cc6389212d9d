"""Moving operations between our log and a peer, in batches, in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lodestamp.core.encoding import (
    Digest,
    JsonObject,
    address_of_digest,
    canonical_json,
    digest_of_address,
)
from lodestamp.errors import InputError, PeerError
from lodestamp.node.recorder import ChainEnd, RecordStatus, find_leaves, read_head, read_wires
from lodestamp.node.sync.limits import (
    ATTEMPTS_MAX,
    BATCH_SIZE_MAX,
    HEADS_MAX,
    IDS_MAX,
    MISSING_ROUNDS_MAX,
    PUSH_SIZE_MAX,
)
from lodestamp.node.sync.messages import (
    End,
    addresses,
    claimed_id,
    in_peers_words,
    is_end,
    parse_members,
    vector_lists,
)
from lodestamp.node.sync.peer import Peer
from lodestamp.node.sync.report import Tally
from lodestamp.node.sync.store import SyncStore

BASE: Final = "/v1/sync"
_BATCH_OPERATIONS: Final = 1000
_STATUSES: Final = frozenset(each.value for each in RecordStatus)
_CUT: Final = frozenset({"cut-short", "unreachable"})


class Transfer:
    """Receives and sends for one session; everything received goes through the recorder."""

    def __init__(self, store: SyncStore, peer: Peer, tally: Tally) -> None:
        self._store = store
        self._peer = peer
        self._tally = tally
        self._last: str | None = None
        self._batch: list[bytes] = []
        self._repeats = 0

    def pull(self, common: Iterable[Digest]) -> None:
        """Receive what is no ancestor of these operations; a cut stream is taken up again (S36)."""
        wanted: JsonObject = {"have": addresses(list(common)[:HEADS_MAX])}
        self._last = None
        for attempt in range(ATTEMPTS_MAX):
            try:
                self._receive("pull", wanted)
            except PeerError as error:
                if error.code not in _CUT or attempt + 1 == ATTEMPTS_MAX:
                    raise
                if self._last is not None:
                    wanted["after"] = self._last
            else:
                return

    def pull_above(self, ends: Sequence[ChainEnd]) -> tuple[ChainEnd, ...]:
        """Receive what lies above our chain ends; return the peer's ends."""
        return self._receive("vector", {"vector": vector_lists(ends)}).vector

    def fetch(self, digests: Sequence[Digest]) -> None:
        """Receive these operations; what the peer does not serve is withheld."""
        for at in range(0, len(digests), IDS_MAX):
            some = digests[at : at + IDS_MAX]
            self._receive("ops", {"ids": addresses(some)})
        self._tally.withheld.update(addresses(self._lacking(digests)))

    def ask_for(self, heads: Iterable[Digest]) -> None:
        """Ask for the heads a peer spoke of and for missing ancestors, while any come (S8)."""
        wanted = set(heads)
        for _ in range(MISSING_ROUNDS_MAX):
            wanted.update(digest_of_address(each) for each in self._tally.missing())
            wanted -= set(map(digest_of_address, self._tally.withheld))
            lacking = self._lacking(wanted)[:IDS_MAX]
            if not lacking:
                return
            self.fetch(lacking)

    def push(self, seqs: Sequence[int]) -> None:
        """Send these leaves, parents first, in requests of at most 1,000 operations and 8 MiB."""
        batch: list[bytes] = []
        size = 0
        for at in range(0, len(seqs), _BATCH_OPERATIONS):
            with self._store.database.reading("reading what the peer lacks") as connection:
                wires = list(read_wires(connection, seqs[at : at + _BATCH_OPERATIONS]))
            for wire in wires:
                if size + len(wire) + 1 > PUSH_SIZE_MAX or len(batch) == _BATCH_OPERATIONS:
                    self._send(batch)
                    batch, size = [], 0
                batch.append(wire)
                size += len(wire) + 1
        if batch:
            self._send(batch)

    def count_waiting(self) -> int:
        """Return how many received operations still wait here."""
        return len(self._lacking(map(digest_of_address, self._tally.waiting), waiting=True))

    def _receive(self, call: str, body: JsonObject) -> End:
        """Record a stream of operations batch by batch; return its last line.

        A stream that ends early has its whole lines recorded before the error is raised.
        """
        self._batch, self._repeats = [], 0
        try:
            end = self._read(self._peer.lines("POST", f"{BASE}/{call}", canonical_json(body)))
        except PeerError as error:
            if error.code in _CUT:
                self._record()
            raise
        self._record()
        return end

    def _read(self, lines: Iterable[bytes]) -> End:
        size = count = 0
        end: End | None = None
        for line in lines:
            if end is not None:
                raise PeerError("bad-answer", "something comes after the end")
            if is_end(line):
                end = _parse_end(line)
                continue
            self._batch.append(line)
            size += len(line)
            count += 1
            if len(self._batch) == _BATCH_OPERATIONS or size >= BATCH_SIZE_MAX:
                self._record()
                size = 0
        if end is None:
            raise PeerError("cut-short", "its answer has no end")
        if end.count != count:
            raise PeerError("bad-answer", f"it says {end.count:,} operations and sent {count:,}")
        return end

    def _record(self) -> None:
        """Record the lines read since the last time; each of ours may come once in a stream."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        answers = self._store.record(batch, self._peer.url)
        self._last = claimed_id(batch[-1])
        self._repeats += self._tally.take(batch, answers)
        with self._store.database.reading("reading the log's size") as connection:
            size = read_head(connection).size
        if self._repeats > size:
            raise PeerError("bad-answer", "it repeats itself")

    def _send(self, batch: Sequence[bytes]) -> None:
        lines = self._peer.lines("POST", f"{BASE}/push", b"".join(each + b"\n" for each in batch))
        answered = 0
        for line in lines:
            try:
                answer = parse_members(line, {"op_id", "status"}, optional={"code", "missing"})
            except InputError as error:
                raise in_peers_words(error) from error
            status, code = answer["status"], answer.get("code", "")
            if answered == len(batch) or status not in _STATUSES or not isinstance(code, str):
                raise PeerError("bad-answer", "its answer to a push is none")
            if status == RecordStatus.NEW:
                self._tally.sent += 1
            elif status == RecordStatus.REJECTED:
                self._tally.refused_there.append((claimed_id(batch[answered]) or "", code[:64]))
            answered += 1
        if answered != len(batch):
            raise PeerError("cut-short", "it answered only a part of what was pushed")

    def _lacking(self, digests: Iterable[Digest], *, waiting: bool = False) -> list[Digest]:
        """Return those of these operations that we neither hold nor, unless asked, keep waiting."""
        wanted = dict.fromkeys(digests)
        with self._store.database.reading("looking for operations") as connection:
            found = find_leaves(connection, wanted)
        settled = {each for each, _ in self._tally.rejected}
        if not waiting:
            settled.update(self._tally.waiting)
        return [
            each for each in wanted if each not in found and address_of_digest(each) not in settled
        ]


def _parse_end(line: bytes) -> End:
    try:
        return End.parse(line)
    except InputError as error:
        raise in_peers_words(error) from error
