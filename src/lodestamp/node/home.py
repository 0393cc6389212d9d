"""The node: one home with its keys, its log and its recorder, as one object.

>>> import tempfile, lodestamp
>>> with tempfile.TemporaryDirectory() as folder, lodestamp.open(folder + "/home") as node:
...     recorded = node.record(source="sensor/1", kind="reading", content={"celsius": "21.5"})
...     recorded.log_index, node.prove(recorded.op_id).log.size
(0, 1)
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection

from lodestamp.core.content import DEFAULT
from lodestamp.core.encoding import Digest, JsonObject, JsonValue, is_content_address
from lodestamp.core.keys import KeyId, Signer, SigningKey, is_did, is_key_id
from lodestamp.core.merkle import EMPTY_ROOT, ConsistencyProof, InclusionProof
from lodestamp.core.operations import NODE_LABEL_MAX, Operation, claim, evidence, is_node_label
from lodestamp.core.proof import Proof
from lodestamp.core.transparency import ED25519_NOTE, Checkpoint, NoteSigner, VerifierKey
from lodestamp.errors import BadNote, HomeError, LogCorrupt, UsageError
from lodestamp.node import recorder
from lodestamp.node.folder import HomeFolder
from lodestamp.node.identities import Identities
from lodestamp.node.keyring import AUTHOR_KEY, LOG_KEY, Keyring, load_key, make_key
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
from lodestamp.node.stamping import NO_OPERATION, address_path, claim_about, evidence_of, rehearse
from lodestamp.node.storage import Database

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
        passphrase: str | None = None,
    ) -> None:
        self.home = folder.path
        self.log_key = log.key
        self._database = database
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

    @property
    def key_id(self) -> KeyId:
        """The key that signs what this node records."""
        return self._recorder.authorship.signer.key_id

    @property
    def roots(self) -> tuple[str, ...]:
        """The key ids and DIDs whose authority the owner of this log pins."""
        with self._database.reading("reading the roots") as connection:
            return _read_roots(connection)

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.log_key.name

    def stamp(
        self,
        path: str | os.PathLike[str],
        *,
        claim: str | None = None,
        name: bool = False,
        profile: str = DEFAULT,
        sha256: bool = False,
        progress: Progress | None = None,
    ) -> Proof:
        """Address a file, record that as evidence, and return the proof of it.

        With `claim`, a claim by the same author says this about the content and is the proof's
        subject. `name` tells the file's own name, `sha256` its plain digest; a file of one block
        has that digest anyway. SourceError when the file cannot be read or changes meanwhile.
        """
        path = Path(path)
        addressed = address_path(path, profile=profile, sha256=sha256, progress=progress)
        if claim is not None:
            rehearse("claim", claim_about(addressed, claim, NO_OPERATION))
        body = evidence_of(addressed, name=path.name if name else None, captured_at=now_s())
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
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open(  # noqa: A001  `lodestamp.open` is what people type
    home: str | os.PathLike[str] | None = None,
    *,
    create: bool = True,
    origin: str | None = None,
    signer: Signer | None = None,
    roots: Sequence[str] | None = None,
    author: str | None = None,
    node: str | None = None,
    cap: str | None = None,
    passphrase: str | None = None,
) -> Node:
    """Open a home, made on first use: `home`, else LODESTAMP_HOME, else the platform's folder.

    `origin` names a new log (default ``lodestamp.local/`` and 16 hex digits of its key). Own
    operations are signed by `signer`, else by the key that `author` names (a key id, a DID or a
    name), else by the home's own; they carry the label `node` (default: that of ``config.toml``)
    and act under `cap`, a cap_id. `roots` pins key ids and DIDs anew (default of a new log: the
    home's own key). `passphrase` seals keys that are made and opens sealed ones.

    HomeError when the folder or a key cannot be used, LogCorrupt when its log contradicts itself
    or what it published, UsageError for an `author`, `cap` or root that is none.
    """
    folder = HomeFolder.locate(home)
    if origin is not None:
        _require_origin(origin)
    _require_names(roots, node, cap)
    with folder.entering(create=create):
        configuration = folder.configuration()
        database = _open_database(folder)
        try:
            own, log = _open_log(folder, database, origin)
            _pin_roots(database, roots, own.key_id)
        except BaseException:
            database.close()
            raise
    authorship = Authorship(signer or own, node or configuration.node, cap)
    opened = Node(folder, database, log, authorship, passphrase)
    if author is not None and signer is None:
        try:
            opened.author_as(author)
        except BaseException:
            opened.close()
            raise
    return opened


def _require_names(roots: Sequence[str] | None, node: str | None, cap: str | None) -> None:
    for root in roots or ():
        if not (is_key_id(root) or is_did(root)):
            raise UsageError(f"{root[:80]!r} is neither a key id nor a DID, so no root")
    if node is not None and not is_node_label(node):
        raise UsageError(f"a node label has 1 to {NODE_LABEL_MAX} characters, none a control")
    if cap is not None and not is_content_address(cap):
        raise UsageError(f"{cap[:80]!r} is no cap_id")


def _pin_roots(database: Database, roots: Sequence[str] | None, own: str) -> None:
    """Pin what the owner says; a log that pins nothing yet pins the home's own key."""
    with database.reading("reading the roots") as connection:
        pinned = _read_roots(connection)
    wanted = tuple(sorted(set(roots))) if roots is not None else pinned or (own,)
    if wanted != pinned:
        with database.writing("pinning the roots") as connection:
            recorder.replace_meta(connection, "roots", json.dumps(wanted))


def _read_roots(connection: Connection) -> tuple[str, ...]:
    stored = recorder.read_meta(connection, "roots")
    return () if stored is None else tuple(json.loads(stored))


def _require_origin(origin: str) -> None:
    """Refuse a name that no checkpoint could bear, before anything is made."""
    try:
        Checkpoint(VerifierKey(origin, ED25519_NOTE, bytes(32)).name, 0, EMPTY_ROOT)
    except BadNote:
        hint = "at most 255 bytes, no space, no plus sign: such as example.org/log"
        raise HomeError(f"{origin[:80]!r} cannot name a log", code="origin", hint=hint) from None


def _open_database(folder: HomeFolder) -> Database:
    """Make the database of a new home; of one that has published, only open it."""
    gone = folder.checkpoint.exists() and not folder.database.exists()
    return Database.open(folder.database, create=not gone)


def _open_log(
    folder: HomeFolder, database: Database, origin: str | None
) -> tuple[SigningKey, recorder.Log]:
    with database.reading("opening the log") as connection:
        named = recorder.read_meta(connection, "origin")
    if named is None:
        return _make_log(folder, database, origin)
    if origin not in (None, named):
        hint = "leave --origin out, or give another --home"
        message = f"this home's log is {named}, and a log keeps its name"
        raise HomeError(message, code="origin", hint=hint)
    author = load_key(folder.keys, AUTHOR_KEY)
    signer = NoteSigner(named, load_key(folder.keys, LOG_KEY))
    published = folder.published()  # before the snapshot, or a busy neighbour looks like a rollback
    with database.reading("opening the log") as connection:
        log = recorder.Log.load(connection, signer)
        if published is not None:
            recorder.check_published(connection, published, log.key)
    return author, log


def _make_log(
    folder: HomeFolder, database: Database, origin: str | None
) -> tuple[SigningKey, recorder.Log]:
    if folder.published() is not None:
        hint = "restore the database; a new log would contradict what was published"
        raise LogCorrupt(f"{folder.database} lost its log", code="log-rolled-back", hint=hint)
    author = make_key(folder.keys, AUTHOR_KEY)
    key = make_key(folder.keys, LOG_KEY)
    named = f"lodestamp.local/{key.public_key.raw.hex()[:16]}" if origin is None else origin
    signer = NoteSigner(named, key)
    with database.writing("making the log") as connection:
        recorder.create(connection, signer, now_ms())
        recorder.write_meta(connection, "origin", signer.name)
        recorder.write_meta(connection, "vkey", signer.verifier_key.text())
        log = recorder.Log.load(connection, signer)
    folder.publish(log.head.note)
    return author, log


def now_ms() -> int:
    """Return the time of this machine's clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def now_s() -> int:
    """Return the time of this machine's clock in Unix seconds."""
    return now_ms() // 1000
