"""The node: one home with its keys, its log and its recorder, as one object.

>>> import tempfile, lodestamp
>>> with tempfile.TemporaryDirectory() as folder, lodestamp.open(folder + "/home") as node:
...     recorded = node.record(source="sensor/1", kind="reading", content={"celsius": "21.5"})
...     recorded.log_index, node.prove(recorded.op_id).log.size
(0, 1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final, Self

from lodestamp.core.content import DEFAULT, get_profile
from lodestamp.core.encoding import Cid, Digest, JsonObject, JsonValue
from lodestamp.core.keys import KeyId
from lodestamp.core.merkle import ConsistencyProof, InclusionProof
from lodestamp.core.operations import Operation, claim, evidence
from lodestamp.core.proof import Proof
from lodestamp.node import recorder
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
from lodestamp.node.clock import now_ms, now_s
from lodestamp.node.configuration import Configuration
from lodestamp.node.folder import HomeFolder
from lodestamp.node.identities import Identities
from lodestamp.node.keyring import Keyring
from lodestamp.node.progress import Progress
from lodestamp.node.proving import prove
from lodestamp.node.recorder import (
    LOCAL_PEER,
    Answer,
    Authorship,
    Event,
    Recorded,
    Recorder,
)
from lodestamp.node.roots import read_roots
from lodestamp.node.stamping import NO_OPERATION, address_path, claim_about, evidence_of, rehearse
from lodestamp.node.storage import Database
from lodestamp.node.sync import Mode, Peers, SyncReport

MISSING_MAX: Final = 10_000
"""Missing ids told at once: as many operations as one peer may have waiting."""


class Node:
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
        self._database = database
        self.configuration = configuration
        self._blocks_path = folder.blocks
        self._blocks: BlockStore | None = None
        self._opening_blocks = Lock()
        self._listeners: list[Callable[[Event], None]] = []
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
        self.peers = Peers(
            database,
            self._recorder,
            log.key.name,
            named=configuration.peers,
            roots=lambda: self.roots,
            clock=now_ms,
        )

    @property
    def key_id(self) -> KeyId:
        """The key that signs what this node records."""
        return self._recorder.authorship.signer.key_id

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
        return Gateway(self.blocks.get, self.ipns_records)

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

    def record(
        self,
        *,
        source: str,
        kind: str,
        content: JsonObject,
        captured_at: int | None = None,
        external_id: str | None = None,
    ) -> Recorded:
        """Record evidence: what was found where, in Unix seconds `captured_at` (default: now)."""
        return self.record_future(
            source=source,
            kind=kind,
            content=content,
            captured_at=captured_at,
            external_id=external_id,
        ).result()

    def record_future(
        self,
        *,
        source: str,
        kind: str,
        content: JsonObject,
        captured_at: int | None = None,
        external_id: str | None = None,
    ) -> Future[Recorded]:
        """Hand in evidence as `record` does and return at once; the future resolves on disk."""
        body = evidence(
            source=source,
            kind=kind,
            content=content,
            captured_at=now_s() if captured_at is None else captured_at,
            external_id=external_id,
        )
        return self._recorder.author("evidence", body)

    def claim(
        self,
        *,
        subject: str,
        predicate: str,
        object: JsonValue,  # noqa: A002  the field's name in the format
        rationale: str,
        derived_from: Sequence[str] = (),
        deriver: str = "user",
        confidence_bp: int = 10_000,
    ) -> Recorded:
        """Record a claim drawn from recorded operations, or by the user from none.

        OpError when `deriver` is ``user`` and there are sources, or the other way round;
        CausalError when the log does not hold a source.
        """
        body = claim(
            subject=subject,
            predicate=predicate,
            object=object,
            confidence_bp=confidence_bp,
            derived_from=derived_from,
            deriver=deriver,
            rationale=rationale,
        )
        return self._recorder.author("claim", body).result()

    def append(self, wires: Sequence[bytes], *, peer: str = LOCAL_PEER) -> list[Answer]:
        """Record operations that others signed; each answer stands at its operation's place.

        `peer` is who gave them to us; what has to wait for its parents waits in that peer's share.
        """
        return self._recorder.submit(wires, peer=peer).result()

    def missing(self, limit: int = MISSING_MAX) -> list[str]:
        """Return ids that waiting operations lack, and ids of those put out of the pool."""
        with self._database.reading("listing what is missing") as connection:
            return recorder.missing_ids(connection, limit)

    def purge(self, op_ids: Sequence[str]) -> int:
        """Erase bodies; ids, leaves and proofs stand. Errors and reach as `recorder.purge`."""
        return recorder.purge(self._database, op_ids, now_ms())

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each contradiction and each operation released, once it is on disk.

        It is called by the writer, so it must hand longer work to another thread.
        """
        self._listeners.append(listener)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def op(self, op_id: str) -> Operation:
        """Return an operation as it is stored; UnknownOperation when the log does not hold it."""
        with self._database.reading("reading an operation") as connection:
            return recorder.find_operation(connection, op_id).operation

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

    def prove(self, op_id: str, *, disclose: Sequence[str] = ()) -> Proof:
        """Return the proof of an operation under the newest checkpoint.

        It discloses the operations named in `disclose`; of what `stamp` claimed it always
        discloses the evidence. UnknownOperation when the log holds no such operation.
        """
        with self._database.reading("proving") as connection:
            return prove(connection, self.log_key, op_id, disclose)

    def checkpoint(self, size: int | None = None) -> bytes:
        """Return the signed note of this size, by default the newest."""
        with self._database.reading("reading a checkpoint") as connection:
            return recorder.checkpoint_note(connection, size)

    def inclusion(self, op_id: str, size: int | None = None) -> tuple[InclusionProof, Digest]:
        """Return the path of an operation's leaf and the root it leads to, at a tree size."""
        with self._database.reading("proving inclusion") as connection:
            index = recorder.find_operation(connection, op_id).log_index
            return recorder.inclusion(connection, index, size)

    def consistency(self, size1: int, size2: int) -> ConsistencyProof:
        """Return the proof that the first `size1` leaves are a prefix of the first `size2`."""
        with self._database.reading("proving consistency") as connection:
            return recorder.consistency(connection, size1, size2)

    def author_as(self, named: str) -> None:
        """Sign what follows with the key that a key id, a DID or a name means."""
        by = self._recorder.authorship
        self._recorder.authorship = replace(by, signer=self.identities.signer(named))

    def close(self) -> None:
        """Commit what is waiting and release the home."""
        self._recorder.close()
        if "pinning" in vars(self):
            self.pinning.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
