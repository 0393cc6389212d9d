"""The node: one home with its keys, its log and its recorder, as one object.

>>> import tempfile, lodestamp
>>> with tempfile.TemporaryDirectory() as folder, lodestamp.open(folder + "/home") as node:
...     recorded = node.record(source="sensor/1", kind="reading", content={"celsius": "21.5"})
...     recorded.log_index, node.prove(recorded.op_id).log.size
(0, 1)
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Lock
from typing import Self

from lodestamp.core.content import DEFAULT, get_profile
from lodestamp.core.encoding import Digest, JsonObject, JsonValue
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import EMPTY_ROOT, ConsistencyProof, InclusionProof
from lodestamp.core.operations import Operation, claim, evidence
from lodestamp.core.proof import Proof
from lodestamp.core.transparency import ED25519_NOTE, Checkpoint, NoteSigner, VerifierKey
from lodestamp.errors import BadNote, HomeError, LogCorrupt
from lodestamp.node import recorder
from lodestamp.node.blocks import Added, Adder, BlockStore
from lodestamp.node.folder import HomeFolder
from lodestamp.node.keyring import AUTHOR_KEY, LOG_KEY, load_key, make_key
from lodestamp.node.progress import Progress
from lodestamp.node.proving import prove
from lodestamp.node.recorder import Answer, Authorship, Recorded, Recorder
from lodestamp.node.stamping import NO_OPERATION, address_path, claim_about, evidence_of, rehearse
from lodestamp.node.storage import Database


class Node:
    """An open home. Thread-safe; close it, or use it as a context manager."""

    def __init__(
        self,
        folder: HomeFolder,
        database: Database,
        author: SigningKey,
        log: recorder.Log,
        label: str,
    ) -> None:
        self.home = folder.path
        self.key_id = author.key_id
        self.log_key = log.key
        self._database = database
        self._blocks_path = folder.blocks
        self._blocks: BlockStore | None = None
        self._opening_blocks = Lock()
        authorship = Authorship(author, label)
        self._recorder = Recorder(database, log, authorship, clock=now_ms, publish=folder.publish)

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

    def append(self, wires: Sequence[bytes]) -> list[Answer]:
        """Record operations that others signed; each answer stands at its operation's place."""
        return self._recorder.submit(wires).result()

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

    def close(self) -> None:
        """Commit what is waiting and release the home."""
        self._recorder.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open(  # noqa: A001  `lodestamp.open` is what people type
    home: str | os.PathLike[str] | None = None, *, create: bool = True, origin: str | None = None
) -> Node:
    """Open a home, made on first use: `home`, else LODESTAMP_HOME, else the platform's folder.

    `origin` names a new log (default ``lodestamp.local/`` and 16 hex digits of its key). HomeError
    when the folder cannot be used, LogCorrupt when its log contradicts itself or what it published.
    """
    folder = HomeFolder.locate(home)
    if origin is not None:
        _require_origin(origin)
    with folder.entering(create=create):
        configuration = folder.configuration()
        database = _open_database(folder)
        try:
            author, log = _open_log(folder, database, origin)
        except BaseException:
            database.close()
            raise
    return Node(folder, database, author, log, configuration.node)


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
