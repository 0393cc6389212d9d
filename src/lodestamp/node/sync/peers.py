"""A node among its peers: what it answers them, what it asks them, and who may ask (§11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from lodestamp.core.keys import KeyId
from lodestamp.node.recorder import Answer, Recorder, read_head, read_wires
from lodestamp.node.storage import Database
from lodestamp.node.sync.access import Access, MayAct
from lodestamp.node.sync.client import Mode, SyncClient
from lodestamp.node.sync.delegation import DelegationServer
from lodestamp.node.sync.peer import Peer
from lodestamp.node.sync.receiving import receive_delegated
from lodestamp.node.sync.report import SyncReport
from lodestamp.node.sync.server import SyncServer
from lodestamp.node.sync.shallow import ShallowStore
from lodestamp.node.sync.store import SyncStore


class Peers:
    """Everything between a log and other nodes. What is not used is not made."""

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        origin: str,
        *,
        named: Iterable[KeyId],
        roots: Callable[[], Sequence[str]],
        may_act: MayAct,
        clock: Callable[[], int],
    ) -> None:
        """Let the keys in `named`, the node's own and those of `roots` ask.

        `may_act` decides who else may, under which grant; the clock gives Unix milliseconds.
        """
        self._database = database
        self._recorder = recorder
        self._origin = origin
        self._named = frozenset(named)
        self._roots = roots
        self._may_act = may_act
        self._clock = clock

    @cached_property
    def access(self) -> Access:
        """Who may ask over HTTP."""
        return Access(self._is_owner, clock=self._clock, may_act=self._may_act)

    @cached_property
    def server(self) -> SyncServer:
        """What answers owner peers."""
        return SyncServer(self.store)

    @cached_property
    def delegation(self) -> DelegationServer:
        """What delegates are shown."""
        return DelegationServer(self._database, self._roots, self._clock)

    @cached_property
    def shallow(self) -> ShallowStore:
        """What others delegated to us."""
        return ShallowStore(self._database, self._clock)

    @cached_property
    def store(self) -> SyncStore:
        """The log as sync sees it."""
        return SyncStore(self._origin, self._database, record=self._record, clock=self._clock)

    def page(self, after: int = -1, limit: int = 500) -> tuple[list[bytes], int | None]:
        """Return wire forms above leaf `after`, and the leaf to go on from, or None."""
        with self._database.reading("reading operations") as connection:
            size = read_head(connection).size
            end = min(after + 1 + limit, size)
            found = list(read_wires(connection, range(after + 1, end)))
        return found, end - 1 if end < size else None

    def sync(
        self,
        peer: str,
        *,
        mode: Mode = "auto",
        merge: bool = False,
        cap: str | None = None,
        delegated: str | None = None,
    ) -> SyncReport:
        """Bring this log and that of the node at `peer` together; ``http://HOST[:PORT]``.

        We ask with our own key, under the grant `cap` where that is given. Only with `merge` is a
        log of another origin taken in. With `delegated` we ask as the delegate of that grant, for
        what it lets us read, and keep it in `shallow`. SyncError, PeerError and SnapshotGoneError
        as `SyncClient`; what was received before is kept.
        """
        signer = self._recorder.authorship.signer
        with Peer(peer, signer, clock=self._clock, cap=cap or delegated) as asked:
            if delegated is not None:
                return receive_delegated(self.shallow, asked, delegated, signer.key_id)
            return SyncClient(self.store, asked, merge=merge).run(mode)

    def _is_owner(self, key_id: KeyId) -> bool:
        own = self._recorder.authorship.signer.key_id
        return key_id == own or key_id in self._named or self.delegation.is_root(key_id)

    def _record(self, wires: Sequence[bytes], peer: str) -> list[Answer]:
        return self._recorder.submit(wires, peer=peer).result()
