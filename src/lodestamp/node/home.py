"""The node: one home with its keys, its log and its recorder, as one object.

>>> import tempfile, lodestamp
>>> with tempfile.TemporaryDirectory() as folder, lodestamp.open(folder + "/home") as node:
...     recorded = node.record(source="sensor/1", kind="reading", content={"celsius": "21.5"})
...     recorded.log_index, node.prove(recorded.op_id).log.size
(0, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, Self

from lodestamp.core.bitcoin import MAIN, network_named
from lodestamp.core.content import DEFAULT, get_profile
from lodestamp.core.encoding import Cid, Digest
from lodestamp.core.keys import KeyId, KeyState
from lodestamp.core.merkle import ConsistencyProof, InclusionProof
from lodestamp.core.operations import ProvenanceGraph
from lodestamp.core.proof import AuthorityState, Proof
from lodestamp.core.timestamps import anchor_digest
from lodestamp.errors import UsageError
from lodestamp.node import recorder
from lodestamp.node.anchors import (
    PERIOD_S,
    AnchorEvent,
    Anchors,
    Calendar,
    HeaderStore,
    Wanted,
    WitnessEvent,
    load_secret,
    open_anchors,
    stored_network,
)
from lodestamp.node.authority import Authority
from lodestamp.node.blocks import (
    Added,
    Adder,
    BlockStore,
    Gateway,
    GatewayClient,
    IpnsRecords,
    PinningService,
    Tenants,
    pull,
)
from lodestamp.node.calendars import Calendars
from lodestamp.node.clock import now_ms, now_s
from lodestamp.node.configuration import Configuration
from lodestamp.node.decisions import Decisions
from lodestamp.node.flows import Flows, open_flows
from lodestamp.node.folder import HomeFolder
from lodestamp.node.identities import Identities
from lodestamp.node.keyring import Keyring
from lodestamp.node.live_graph import LiveGraph
from lodestamp.node.progress import Progress
from lodestamp.node.proving import prove, sign_state
from lodestamp.node.questions import Past
from lodestamp.node.recorder import (
    Authorship,
    Event,
    Recorder,
)
from lodestamp.node.roots import read_roots
from lodestamp.node.sealing import SealedContent
from lodestamp.node.stamping import NO_OPERATION, address_path, claim_about, evidence_of, rehearse
from lodestamp.node.statements import Statements
from lodestamp.node.storage import Database
from lodestamp.node.sync import Mode, Peers, SyncReport
from lodestamp.node.witnessing import PublicLog

MISSING_MAX: Final = 10_000
"""Missing ids told at once: as many operations as one peer may have waiting."""


class Node(Statements, Authority, Decisions):
    """An open home. Thread-safe; close it, or use it as a context manager."""

    def __init__(
        self,
        folder: HomeFolder,
        database: Database,
        log: recorder.Log,
        authorship: Authorship,
        configuration: Configuration,
        *,
        passphrase: str | None = None,
    ) -> None:
        self.home = folder.path
        self.log_key = log.key
        self.log_keys = (log.key, *([log.cosigner.verifier_key] if log.cosigner else []))
        self._log_signer = log.signer
        self._database = database
        self._live = LiveGraph(database)
        self.configuration = configuration
        self._blocks_path = folder.blocks
        self._keys_path = folder.keys
        self._blocks: BlockStore | None = None
        self._opening_blocks = Lock()
        self._listeners: list[Callable[[Event | WitnessEvent], None]] = []
        self._recorder = Recorder(
            database, log, authorship, clock=now_ms, publish=folder.publish, emit=self._tell
        )
        self.identities = Identities(
            database,
            self._recorder,
            Keyring(folder.keys, passphrase),
            node=authorship.node,
            lock=lambda: folder.entering(create=False),
        )
        self.public = PublicLog(folder, database, configuration, log.key, emit=self._tell)
        self.sealed = SealedContent(database, self._recorder)
        self.peers = Peers(
            database,
            self._recorder,
            log.key.name,
            named=configuration.peers,
            roots=lambda: self.roots,
            may_act=self._may_act,
            clock=now_ms,
        )

    @property
    def roots(self) -> tuple[str, ...]:
        """The key ids and DIDs whose authority the owner of this log pins."""
        with self._database.reading("reading the roots") as connection:
            return read_roots(connection)

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.log_key.name

    @property
    def blocks(self) -> BlockStore:
        """The block store, opened on first use; errors as `BlockStore.open`."""
        with self._opening_blocks:
            if self._blocks is None:
                self._blocks = BlockStore.open(self._blocks_path, self._database, clock=now_ms)
            return self._blocks

    @cached_property
    def ipns_records(self) -> IpnsRecords:
        """The IPNS records this home keeps."""
        return IpnsRecords(self._database, now_ms)

    @cached_property
    def gateway(self) -> Gateway:
        """What answers requests of the trustless gateway from this home's blocks."""
        return Gateway(self.blocks, self.ipns_records)

    @cached_property
    def calendars(self) -> Calendars:
        """What this home does with calendars; nothing unless some were named."""
        return Calendars(
            self._database,
            self.log_key,
            self.configuration.calendars,
            now_ms,
            show_witnesses=self.public.show_witnesses,
        )

    @cached_property
    def tenants(self) -> Tenants:
        """Who may ask this node to keep content."""
        return Tenants(self.configuration.tenants)

    @cached_property
    def pinning(self) -> PinningService:
        """What keeps content for tenants, fetched through the gateways of the settings alone."""
        return PinningService(self.blocks, self._fetch)

    def _fetch(self, cid: Cid) -> None:
        with GatewayClient(self.configuration.gateways) as gateways:
            going_on = self.pinning.require_running
            pull(self.blocks, cid, gateways.car_of, gateways.block, pin=False, progress=going_on)

    def add(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        profile: str = DEFAULT,
        progress: Progress | None = None,
    ) -> list[Added]:
        """Keep files and folders as blocks, each pinned; errors as `Adder.add`."""
        adder = Adder(self.blocks, get_profile(profile))
        return list(adder.add([Path(path) for path in paths], progress))

    def stamp(
        self,
        path: str | os.PathLike[str],
        *,
        claim: str | None = None,
        name: bool = False,
        profile: str = DEFAULT,
        sha256: bool = False,
        only_hash: bool = False,
        progress: Progress | None = None,
    ) -> Proof:
        """Keep a file or folder, record its address as evidence, and return the proof of it.

        With `claim`, a claim by the same author says this about the content and is the proof's
        subject. `name` tells the path's last name, `sha256` a file's plain digest; a file of one
        block has that digest anyway. With `only_hash` the block store keeps nothing. SourceError
        when something cannot be read or changes meanwhile; errors as `address_path`.
        """
        path = Path(path)
        addressed = address_path(
            path,
            profile=profile,
            sha256=sha256,
            progress=progress,
            store=None if only_hash else self.blocks,
        )
        if claim is not None:
            rehearse("claim", claim_about(addressed, claim, NO_OPERATION))
        called = (path.name or path.resolve().name) if name else None  # "." has no name of its own
        body = evidence_of(addressed, name=called, captured_at=now_s())
        recorded = self._recorder.author("evidence", body).result()
        if claim is not None:
            about = claim_about(addressed, claim, recorded.op_id)
            recorded = self._recorder.author("claim", about).result()
        return self.prove(recorded.op_id)

    def missing(self, limit: int = MISSING_MAX) -> list[str]:
        """Return ids that waiting operations lack, and ids of those put out of the pool."""
        with self._database.reading("listing what is missing") as connection:
            return recorder.missing_ids(connection, limit)

    def purge(self, op_ids: Sequence[str]) -> int:
        """Erase bodies; ids, leaves and proofs stand. Errors and reach as `recorder.purge`."""
        with self._state() as graph:
            found = graph.found_in(op_ids)
        return recorder.purge(self._database, op_ids, now_ms(), found)

    def listen(self, listener: Callable[[Event | WitnessEvent], None]) -> None:
        """Call `listener` with each contradiction and each operation released, once it is on disk.

        Contradictions are those of authors, and of logs and witnesses. It is called by whoever
        found it, so it must hand longer work to another thread.
        """
        self._listeners.append(listener)

    def _tell(self, event: Event | WitnessEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def sync(
        self,
        peer: str,
        *,
        mode: Mode = "auto",
        merge: bool = False,
        cap: str | None = None,
        delegated: str | None = None,
    ) -> SyncReport:
        """Bring this log and that of the node at `peer` together; see `Peers.sync`."""
        return self.peers.sync(peer, mode=mode, merge=merge, cap=cap, delegated=delegated)

    def prove(self, op_id: str, *, disclose: Sequence[str] = (), state: bool = False) -> Proof:
        """Return the proof of an operation under the newest checkpoint.

        It discloses the operations named in `disclose`; of what `stamp` claimed it always
        discloses the evidence. It carries the grants and key events by which the author acted, and
        with `state` the log's freshly signed word for the operation's status, whatever that is.
        UnknownOperation when the log holds no such operation.
        """
        signed = self._sign_state(op_id) if state else None
        with self._database.reading("proving") as connection:
            return prove(connection, self.log_key, op_id, disclose, state=signed)

    def _sign_state(self, op_id: str) -> AuthorityState:
        """Sign the state of the whole log, and show where this operation stands in it."""
        self.op(op_id)
        with self._state() as graph:
            return sign_state(graph, self._log_signer, op_id)

    def checkpoint(self, size: int | None = None) -> bytes:
        """Return the signed note of this size, by default the newest, with its cosignatures."""
        return self.public.checkpoint(size)

    def inclusion(self, op_id: str, size: int | None = None) -> tuple[InclusionProof, Digest]:
        """Return the path of an operation's leaf and the root it leads to, at a tree size."""
        with self._database.reading("proving inclusion") as connection:
            index = recorder.find_operation(connection, op_id).log_index
            return recorder.inclusion(connection, index, size)

    def consistency(self, size1: int, size2: int) -> ConsistencyProof:
        """Return the proof that the first `size1` leaves are a prefix of the first `size2`."""
        with self._database.reading("proving consistency") as connection:
            return recorder.consistency(connection, size1, size2)

    def open_calendar(self, uri: str, *, period_s: float = PERIOD_S) -> Calendar:
        """Open the calendar of this home; close it. Errors as `Calendar.open` and `load_secret`."""
        secret = load_secret(self._keys_path)
        return Calendar.open(self._database, uri, secret, now_ms, period_s=period_s)

    def anchors(
        self, *, chain: str = "sim:", emit: Callable[[AnchorEvent], None] | None = None
    ) -> Anchors:
        """Open what anchors this home in the Bitcoin chain of a URL; errors as `open_anchors`."""
        settings = self.configuration.anchor
        wanted = Wanted(
            settings.mode == "chain",
            settings.confirmations,
            settings.min_interval_s,
            settings.fee_rate_max,
            settings.fee_max,
            settings.birthday,
        )
        return open_anchors(
            self.home, self._database, origin=self.origin, wanted=wanted, chain=chain, emit=emit
        )

    def anchor_newest(self, anchors: Anchors) -> tuple[int, Digest]:
        """Let the newest checkpoint wait for an anchor; return its size and anchor digest (R50).

        Witnesses that are named in the settings are shown it first.

        UsageError while the log is empty.
        """
        with self._database.reading("reading the newest checkpoint") as connection:
            head = recorder.read_head(connection)
        if not head.size:
            raise UsageError("the log is empty", hint="`lodestamp stamp` records something")
        digest = anchor_digest(self.origin, head.size, head.root)
        self.public.show_witnesses(head.size)
        anchors.anchorer.submit(digest)
        return head.size, digest

    def header_store(self, network: str | None) -> HeaderStore:
        """Return this home's Bitcoin headers, of a named network, else of the one they are of.

        That is main where there are none yet. WrongNetwork for another one than they are of.
        """
        if network is None:
            return HeaderStore(self._database, stored_network(self._database) or MAIN)
        return HeaderStore(self._database, network_named(network))

    def flows(self, *, chain: str | None = "sim:", network: str | None = None) -> Flows:
        """Open this home's data flows against the chain of a URL; errors as `open_flows`."""
        return open_flows(self.home, self._database, self.blocks, chain=chain, network=network)

    def author_as(self, named: str) -> None:
        """Sign what follows with the key that a key id, a DID or a name means."""
        by = self._recorder.authorship
        self._recorder.authorship = replace(by, signer=self.identities.signer(named))

    def as_of(self, size: int) -> Past:
        """Return the log as it was at `size` leaves, to be asked only; UsageError beyond its end.

        Positions that the ledger gave since count, as they would for whoever looks now.
        """
        with self._live.current() as graph:
            graph.as_of(size)
        return Past(self._database, self._live, size)

    def resolve(self, did: str, at_index: int | None = None) -> KeyState:
        """Return the state of an identity by this log, as of a leaf; KeyEventError if unknown."""
        return self.identities.resolve(did, at_index)

    @contextmanager
    def _state(self) -> Iterator[ProvenanceGraph]:
        with self._live.current() as graph:
            yield graph

    def _may_act(self, key_id: KeyId, command: str, cap_id: str, at: int) -> bool:
        with self._state() as graph:
            cap = graph.cap(cap_id)
            if cap is None or not graph.allows(cap_id, command, at).allowed:
                return False
        with self._database.reading("looking for a grant's audience") as connection:
            return recorder.speaks_for(connection, key_id, cap.audience)

    def close(self) -> None:
        """Commit what is waiting and release the home."""
        self._recorder.close()
        self._live.keep()
        if "pinning" in vars(self):
            self.pinning.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
