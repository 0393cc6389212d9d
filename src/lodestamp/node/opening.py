"""Opening a home, or making one: the folder, its keys, its database and its log."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lodestamp.core.keys import SUITES, Signer, SigningKey
from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    ED25519_NOTE,
    Checkpoint,
    Cosigner,
    NoteSigner,
    VerifierKey,
)
from lodestamp.errors import BadNote, HomeError, LogCorrupt, UsageError
from lodestamp.node import recorder
from lodestamp.node.clock import now_ms
from lodestamp.node.folder import HomeFolder
from lodestamp.node.home import Node
from lodestamp.node.keyring import (
    AUTHOR_KEY,
    DEFAULT_SUITE,
    LOG_KEY,
    LOG_PQ_KEY,
    LOG_PQ_VKEY,
    load_key,
    make_key,
    make_note_key,
)
from lodestamp.node.recorder import (
    Authorship,
)
from lodestamp.node.roots import pin_roots, require_names
from lodestamp.node.storage import Database


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
    suite: str | None = None,
) -> Node:
    """Open a home, made on first use: `home`, else LODESTAMP_HOME, else the platform's folder.

    `origin` names a new log (default ``lodestamp.local/`` and 16 hex digits of its key). Own
    operations are signed by `signer`, else by the key that `author` names (a key id, a DID or a
    name), else by the home's own; they carry the label `node` (default: that of ``config.toml``)
    and act under `cap`, a cap_id. `roots` pins key ids and DIDs anew (default of a new log: the
    home's own key). `passphrase` seals keys that are made and opens sealed ones. `suite` is that of
    a new home's own key, ed25519 by default; one of the others is introduced to the log at once.

    HomeError when the folder or a key cannot be used, LogCorrupt when its log contradicts itself
    or what it published, UsageError for an `author`, `cap` or root that is none.
    """
    folder = HomeFolder.locate(home)
    if origin is not None:
        _require_origin(origin)
    require_names(roots, node, cap)
    with folder.entering(create=create):
        configuration = folder.configuration()
        database = _open_database(folder)
        try:
            own, log = _open_log(folder, database, origin, suite, pq=configuration.pq)
            pin_roots(database, roots, own.key_id)
        except BaseException:
            database.close()
            raise
    authorship = Authorship(signer or own, node or configuration.node, cap)
    opened = Node(folder, database, log, authorship, configuration, passphrase=passphrase)
    try:
        if own.public_key.suite != DEFAULT_SUITE:
            opened.identities.introduce(own)
        if author is not None and signer is None:
            opened.author_as(author)
    except BaseException:
        opened.close()
        raise
    return opened


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
    folder: HomeFolder, database: Database, origin: str | None, suite: str | None, *, pq: bool
) -> tuple[SigningKey, recorder.Log]:
    with database.reading("opening the log") as connection:
        named = recorder.read_meta(connection, "origin")
    if named is None:
        return _make_log(folder, database, origin, suite or DEFAULT_SUITE, pq=pq)
    if origin not in (None, named):
        hint = "leave --origin out, or give another --home"
        message = f"this home's log is {named}, and a log keeps its name"
        raise HomeError(message, code="origin", hint=hint)
    author = load_key(folder.keys, AUTHOR_KEY)
    if suite not in (None, author.public_key.suite):
        hint = "leave --suite out, or make a key with `lodestamp key new --suite`"
        message = f"this home's own key is of suite {author.public_key.suite}"
        raise HomeError(message, code="suite", hint=hint)
    signer = NoteSigner(named, load_key(folder.keys, LOG_KEY))
    cosigner = _own_cosigner(folder, database, named) if pq else None
    published = folder.published()  # before the snapshot, or a busy neighbour looks like a rollback
    with database.reading("opening the log") as connection:
        log = recorder.Log.load(connection, signer, cosigner)
        if published is not None:
            recorder.check_published(connection, published, log.key)
    return author, log


def _own_cosigner(folder: HomeFolder, database: Database, origin: str) -> Cosigner:
    """Return the log's post-quantum key, made when `pq` is first set (R17)."""
    cosigner = Cosigner(origin, make_note_key(folder.keys, LOG_PQ_KEY))
    stated = cosigner.verifier_key.text()
    with database.reading("opening the log") as connection:
        known = recorder.read_meta(connection, LOG_PQ_VKEY)
    if known is None:
        with database.writing("naming the log's second key") as connection:
            recorder.write_meta(connection, LOG_PQ_VKEY, stated)
    elif known != stated:
        hint = "restore it from a backup, or set pq = false in config.toml"
        raise HomeError("the log has another ML-DSA-44 key", code="key-damaged", hint=hint)
    return cosigner


def _make_log(
    folder: HomeFolder, database: Database, origin: str | None, suite: str, *, pq: bool
) -> tuple[SigningKey, recorder.Log]:
    if suite not in SUITES:
        raise UsageError(f"no suite is called {suite!r:.40}", hint=f"one of {', '.join(SUITES)}")
    if folder.published() is not None:
        hint = "restore the database; a new log would contradict what was published"
        raise LogCorrupt(f"{folder.database} lost its log", code="log-rolled-back", hint=hint)
    author = make_key(folder.keys, AUTHOR_KEY, suite)
    key = make_key(folder.keys, LOG_KEY)
    named = f"lodestamp.local/{key.public_key.raw.hex()[:16]}" if origin is None else origin
    signer = NoteSigner(named, key)
    cosigner = Cosigner(named, make_note_key(folder.keys, LOG_PQ_KEY)) if pq else None
    with database.writing("making the log") as connection:
        recorder.create(connection, signer, now_ms(), cosigner)
        recorder.write_meta(connection, "origin", signer.name)
        recorder.write_meta(connection, "vkey", signer.verifier_key.text())
        if cosigner is not None:
            recorder.write_meta(connection, LOG_PQ_VKEY, cosigner.verifier_key.text())
        log = recorder.Log.load(connection, signer, cosigner)
    folder.publish(log.head.note)
    return author, log
