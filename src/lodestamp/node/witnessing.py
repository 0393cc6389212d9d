"""The public side of a home: its log for the world, its witnesses, and the witness that it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

from lodestamp.core.transparency import Cosigner, TlogProof, VerifierKey
from lodestamp.node import recorder
from lodestamp.node.anchors import (
    WitnessClient,
    WitnessEvent,
    WitnessService,
    cosigned_note,
)
from lodestamp.node.clock import now_ms
from lodestamp.node.configuration import Configuration
from lodestamp.node.folder import HomeFolder
from lodestamp.node.keyring import WITNESS_KEY, WITNESS_PQ_KEY, make_key, make_note_key
from lodestamp.node.progress import Progress
from lodestamp.node.publishing import Mirrored, PublishedLog, mirror
from lodestamp.node.storage import Database


class PublicLog:
    """What a home shows of its log, and says of others. Thread-safe.

    `emit` hears of forks, and of witnesses that are ahead of us.
    """

    def __init__(
        self,
        folder: HomeFolder,
        database: Database,
        configuration: Configuration,
        log_key: VerifierKey,
        *,
        emit: Callable[[WitnessEvent], None],
    ) -> None:
        self._folder = folder
        self._database = database
        self._configuration = configuration
        self._log_key = log_key
        self._emit = emit
        self._making = Lock()
        self._cosigners: tuple[Cosigner, ...] = ()

    @cached_property
    def published(self) -> PublishedLog:
        """The log as everybody may read it."""
        return PublishedLog(self._database)

    @cached_property
    def witness(self) -> WitnessService:
        """The witness that this home is for other logs; its key is made when it is first used."""
        return WitnessService(self._database, self._own_cosigners, clock=now_ms, emit=self._emit)

    def witness_client(self) -> WitnessClient:
        """Return what shows our checkpoints to the witnesses of the settings; close it."""
        return WitnessClient(
            self._database,
            self._configuration.witnesses,
            timeout_s=self._configuration.witness_timeout_s,
            emit=self._emit,
        )

    def show_witnesses(self, size: int) -> None:
        """Show the checkpoint of this size to the witnesses of the settings, before it is anchored.

        So that what a proof is moved to bears their word too (R26). Who does not answer in time is
        not waited for, and nothing is done where none is named. StoreError when storing fails.
        """
        if self._configuration.witnesses:
            with self.witness_client() as client:
                client.submit(size)

    def checkpoint(self, size: int | None = None) -> bytes:
        """Return the signed note of this size, by default the newest, with its cosignatures."""
        with self._database.reading("reading a checkpoint") as connection:
            if size is None:
                size = recorder.read_head(connection).size
            return cosigned_note(connection, recorder.checkpoint_note(connection, size), size)

    def tlog_proof(self, op_id: str, size: int | None = None) -> TlogProof:
        """Return the C2SP tlog-proof of an operation, under a checkpoint with its cosignatures.

        UnknownOperation when the log does not hold it, UsageError when no checkpoint was signed at
        this size, BadTreeProof when the operation came later.
        """
        with self._database.reading("proving inclusion") as connection:
            if size is None:
                size = recorder.read_head(connection).size
            note = cosigned_note(connection, recorder.checkpoint_note(connection, size), size)
            index = recorder.find_operation(connection, op_id).log_index
            path, _root = recorder.inclusion(connection, index, size)
        return TlogProof(path, note)

    def mirror(self, to: str | os.PathLike[str], *, progress: Progress | None = None) -> Mirrored:
        """Bring a folder of static files up to date with the log; errors as `mirror`."""
        return mirror(self._database, self._log_key, Path(to), progress=progress)

    def _own_cosigners(self) -> Sequence[Cosigner]:
        with self._making:
            if not self._cosigners:
                self._cosigners = self._make_cosigners()
            return self._cosigners

    def _make_cosigners(self) -> tuple[Cosigner, ...]:
        """Load the witness's keys, made on first use under the home's lock (R27)."""
        with self._folder.entering(create=False):
            key = make_key(self._folder.keys, WITNESS_KEY)
            digits = key.public_key.raw.hex()[:16]
            name = self._configuration.witness or f"lodestamp.local/witness/{digits}"
            if not self._configuration.pq:
                return (Cosigner(name, key),)
            second = make_note_key(self._folder.keys, WITNESS_PQ_KEY)
            return Cosigner(name, key), Cosigner(name, second)
