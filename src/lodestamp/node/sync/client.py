"""Bringing our log and a peer's together (operations spec §11, Y1).

Ask for heads. Who is behind pulls, in one request. Who is ahead pushes. Where both have something
of their own: by the ends of authors' chains, else by sampling the common past, else by coded
symbols, else by listing ids. Everything received goes through the recorder (Y7, S37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, get_args

from lodestamp.core.encoding import Digest
from lodestamp.errors import InputError, PeerError, SnapshotGoneError, SyncError, UsageError
from lodestamp.node.recorder import (
    Leaf,
    above,
    above_chains,
    chain_ends,
    count_equivocations,
    find_leaves,
    head_leaves,
    heads_digest,
    read_edges,
    read_head,
    read_leaves,
)
from lodestamp.node.sync.common_past import CommonPast
from lodestamp.node.sync.limits import (
    ATTEMPTS_MAX,
    HEADS_MAX,
    IDS_SIZE_MAX,
    SAMPLE_SPAN_MAX,
    UNCERTAIN_MAX,
    VECTOR_MAX,
)
from lodestamp.node.sync.messages import HeadsAnswer, HeadsAsked, in_peers_words
from lodestamp.node.sync.peer import Peer
from lodestamp.node.sync.reconciler import Reconciler
from lodestamp.node.sync.report import SyncReport, Tally
from lodestamp.node.sync.store import SyncStore
from lodestamp.node.sync.symbols import FRAME_SIZE_MAX
from lodestamp.node.sync.transfer import BASE, Transfer

Mode = Literal["auto", "pull", "push", "symbols"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
_DIGEST_SIZE: Final = 32


class SyncClient:
    """One session with one peer."""

    def __init__(self, store: SyncStore, peer: Peer, *, merge: bool = False) -> None:
        """Sync this log with a peer; only with `merge` with one of another origin."""
        self._store = store
        self._peer = peer
        self._merge = merge
        self._tally = Tally()
        self._transfer = Transfer(store, peer, self._tally)

    def run(self, mode: Mode = "auto") -> SyncReport:
        """Exchange what is missing, in both directions or the one that `mode` names.

        SyncError ``unrelated`` when the peer's log has another origin and `merge` is not given.
        PeerError when the peer is away, refuses or answers nonsense; what was received until then
        is kept. A peer of whose operations 16 were refused is dropped, and the report says so.
        """
        if mode not in MODES:
            raise UsageError(f"{mode!r} is no mode", hint=f"there are {', '.join(MODES)}")
        equivocations = self._count_equivocations()
        opening = self._ask_heads()
        relation = self._relation(opening)
        if relation == "unrelated":
            hint = "--merge joins two histories for good"
            raise SyncError(
                f"the peer keeps the log {opening.origin[:200]!r}", code="unrelated", hint=hint
            )
        opened = self._peer.requests
        try:
            complete = self._exchange(mode, relation, opening)
        except PeerError as error:
            if error.code != "dropped":
                raise
            complete = False
        return SyncReport(
            peer=self._peer.url,
            relation=relation,
            rounds=self._peer.requests - opened,
            bytes_sent=self._peer.bytes_sent,
            bytes_received=self._peer.bytes_received,
            received=self._tally.received,
            sent=self._tally.sent,
            pending=self._transfer.count_waiting(),
            rejected=tuple(self._tally.rejected + self._tally.refused_there),
            equivocations=self._count_equivocations() - equivocations,
            withheld=tuple(sorted(self._tally.withheld)),
            complete=complete and not self._tally.withheld,
        )

    def _exchange(self, mode: Mode, relation: str, opening: HeadsAnswer) -> bool:
        """Do what the relation asks for; tell whether the two are together afterwards."""
        pulls, pushes = mode != "push", mode != "pull"
        if relation == "equal":
            return True
        if mode == "symbols":
            self._by_symbols(opening)
            return self._is_equal()
        if relation == "behind":
            if pulls:
                self._pull(self._own_heads(), opening)
            return not pulls or self._holds(opening.heads)
        if relation == "ahead":
            if pushes:
                self._push_above(opening.heads)
            return not pushes or not self._tally.refused_there
        if mode == "auto" and self._by_vector() and self._is_equal():
            return True
        common = self._common(opening)
        if common is None or (mode == "auto" and not common):
            self._by_symbols(opening, pulls=pulls, pushes=pushes)
        else:
            if pulls:
                self._pull(common, opening)
            if pushes:
                self._push_above(common)
        if not pushes:
            return self._holds(opening.heads)
        closing = self._ask_heads()
        return not closing.unknown if not pulls else self._is_equal(closing)

    # Asking where we stand

    def _ask_heads(self, sample: Sequence[Digest] = ()) -> HeadsAnswer:
        """Compare heads; with a sample, ask about these operations instead."""
        with self._store.database.reading("reading heads") as connection:
            heads = head_leaves(connection)
        named = tuple(sample) or tuple(head.digest for head in heads[:HEADS_MAX])
        asked = HeadsAsked(self._store.origin, named, len(heads), heads_digest(heads))
        try:
            answer = HeadsAnswer.parse(self._peer.post(f"{BASE}/heads", asked.encode()))
        except InputError as error:
            raise in_peers_words(error) from error
        all_ = [Leaf(0, 0, digest) for digest in answer.heads]
        whole = answer.count == len(answer.heads)
        if not set(answer.unknown) <= set(named) or (whole and heads_digest(all_) != answer.digest):
            raise PeerError("bad-answer", "its answer about heads contradicts itself")
        return answer

    def _relation(self, answer: HeadsAnswer) -> str:
        """Return how we stand to the peer: it cannot know whether we hold its heads."""
        if answer.origin != self._store.origin and not self._merge:
            return "unrelated"
        with self._store.database.reading("comparing heads") as connection:
            own = head_leaves(connection)
            held = find_leaves(connection, answer.heads)
        if heads_digest(own) == answer.digest:
            return "equal"
        if not answer.unknown and len(own) <= HEADS_MAX:
            return "behind"
        if len(held) == len(answer.heads) == answer.count:
            return "ahead"
        return "diverged"

    def _is_equal(self, closing: HeadsAnswer | None = None) -> bool:
        """Tell whether both sides have the same heads now (S35)."""
        closing = closing or self._ask_heads()
        with self._store.database.reading("comparing heads") as connection:
            return heads_digest(head_leaves(connection)) == closing.digest

    def _own_heads(self) -> list[Digest]:
        with self._store.database.reading("reading heads") as connection:
            return [head.digest for head in head_leaves(connection)[:HEADS_MAX]]

    def _holds(self, digests: Sequence[Digest]) -> bool:
        with self._store.database.reading("looking for operations") as connection:
            return len(find_leaves(connection, digests)) == len(digests)

    def _count_equivocations(self) -> int:
        with self._store.database.reading("counting equivocations") as connection:
            return count_equivocations(connection)

    # The ways of exchanging

    def _pull(self, common: Iterable[Digest], opening: HeadsAnswer) -> None:
        self._transfer.pull(common)
        self._transfer.ask_for(opening.heads)

    def _push_above(self, common: Iterable[Digest]) -> None:
        """Send what is no ancestor of these operations, which the peer holds."""
        with self._store.database.reading("reading what the peer lacks") as connection:
            size = read_head(connection).size
            held = find_leaves(connection, common)
            seqs = above(connection, [leaf.seq for leaf in held.values()], size)
        self._transfer.push(seqs)

    def _by_vector(self) -> bool:
        """Exchange what lies above each other's chain ends; False where not all is in chains."""
        with self._store.database.reading("reading chains") as connection:
            own = chain_ends(connection)
            size = read_head(connection).size
        if own is None or len(own) > VECTOR_MAX:
            return False
        try:
            theirs = self._transfer.pull_above(own)
        except PeerError as error:
            if error.code != "not-chains":
                raise
            return False
        with self._store.database.reading("reading what the peer lacks") as connection:
            seqs = above_chains(connection, theirs, size)
        self._transfer.push(seqs)
        return True

    def _common(self, opening: HeadsAnswer) -> list[Digest] | None:
        """Return the newest operations both hold; None when two questions do not find them."""
        with self._store.database.reading("looking for a common past") as connection:
            size = read_head(connection).size
            held = list(find_leaves(connection, opening.heads).values())
            seqs = above(connection, [leaf.seq for leaf in held], size)[-SAMPLE_SPAN_MAX:]
            if not seqs:
                return [leaf.digest for leaf in held]
            wanted = set(seqs)
            leaves = [leaf for leaf in read_leaves(connection, seqs[0], size) if leaf.seq in wanted]
            past = CommonPast(leaves, read_edges(connection, seqs[0], size))
        choices: tuple[Callable[[int], list[Digest]], ...] = (past.first_sample, past.next_sample)
        for choose in choices:
            sample = choose(HEADS_MAX)
            if sample:
                past.learn(sample, self._ask_heads(sample).unknown)
        if past.uncertain > UNCERTAIN_MAX:
            return None
        return [leaf.digest for leaf in [*held, *past.newest_common()][:HEADS_MAX]]

    def _by_symbols(self, opening: HeadsAnswer, *, pulls: bool = True, pushes: bool = True) -> None:
        """Exchange the exact difference of the two sets."""
        for attempt in range(ATTEMPTS_MAX):
            try:
                ours, theirs = self._difference(opening)
                break
            except SnapshotGoneError:
                if attempt + 1 == ATTEMPTS_MAX:
                    raise
                opening = self._ask_heads()
        if pulls:
            self._transfer.fetch(sorted(theirs))
            self._transfer.ask_for(opening.heads)
        if pushes:
            with self._store.database.reading("reading what the peer lacks") as connection:
                seqs = sorted(leaf.seq for leaf in find_leaves(connection, ours).values())
            if len(seqs) != len(ours):
                raise PeerError("bad-symbols", "its symbols name operations that nobody has")
            self._transfer.push(seqs)

    def _difference(self, opening: HeadsAnswer) -> tuple[set[Digest], set[Digest]]:
        """Return what only we have, and what only the peer has."""
        own = self._store.symbols.under(opening.riblt_key)
        compared = Reconciler(own, key=opening.riblt_key, size=opening.size)
        while (ask := compared.wanted) is not None:
            query = f"size={ask.size}&from={ask.first}&count={ask.count}"
            frame = self._peer.get(f"{BASE}/symbols?{query}", size_max=FRAME_SIZE_MAX)
            compared.feed(frame)
        if compared.complete:
            return set(compared.ours), set(compared.theirs)
        size_max = min(_DIGEST_SIZE * opening.size, IDS_SIZE_MAX)
        listed = self._peer.get(f"{BASE}/ids?size={opening.size}", size_max=size_max)
        if len(listed) != _DIGEST_SIZE * opening.size:
            raise PeerError("bad-answer", "its list of ids has another size")
        theirs = {
            Digest(listed[at : at + _DIGEST_SIZE]) for at in range(0, len(listed), _DIGEST_SIZE)
        }
        with self._store.database.reading("listing ids") as connection:
            ours = {leaf.digest for leaf in read_leaves(connection, 0, compared.own_size)}
        return ours - theirs, theirs - ours
