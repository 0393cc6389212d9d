"""Being a witness: cosigning checkpoints of other logs that only grow (R23-R25, R27).

The judgement is `lodestamp.core.transparency.decide`. A cosignature leaves only after the state it
makes is on disk, put there by compare and swap, so that no two of one log ever contradict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.merkle import EMPTY_ROOT
from lodestamp.core.transparency import (
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    AddCheckpoint,
    Checkpoint,
    Cosigner,
    Decision,
    Note,
    Outcome,
    VerifierKey,
    WitnessState,
    decide,
    parse_add_checkpoint,
)
from lodestamp.errors import BadNote, UsageError
from lodestamp.node.anchors.witness import store
from lodestamp.node.anchors.witness.events import LogForked, WitnessEvent
from lodestamp.node.anchors.witness.store import WitnessedLog
from lodestamp.node.storage import Database

SIZE_TYPE: Final = "text/x.tlog.size"
"""The media type of the size that a witness answers a wrong old size with."""
_TEXT_TYPE: Final = "text/plain; charset=utf-8"
_LOG_TYPES: Final = frozenset({ED25519_NOTE, MLDSA44_COSIGNATURE})


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer over HTTP; `code` says why where the body has nothing to say."""

    status: int
    code: str
    reason: str
    body: bytes = b""
    media_type: str = _TEXT_TYPE


class WitnessService:
    """One witness. Thread-safe; several processes may serve one database.

    `cosigners` gives its keys, `clock` Unix milliseconds; `emit` hears of forks.
    """

    def __init__(
        self,
        database: Database,
        cosigners: Callable[[], Sequence[Cosigner]],
        *,
        clock: Callable[[], int],
        emit: Callable[[WitnessEvent], None],
    ) -> None:
        self._database = database
        self._cosigners = cosigners
        self._clock = clock
        self._emit = emit

    @property
    def vkeys(self) -> tuple[VerifierKey, ...]:
        """The keys that verify what this witness signs."""
        return tuple(cosigner.verifier_key for cosigner in self._cosigners())

    def add_log(self, origin: str, vkey: VerifierKey) -> WitnessedLog:
        """Witness a log under this key from now on, beside keys it is known by already.

        UsageError for a key that no log signs with or an origin that is none, LimitExceeded beyond
        1,000 logs, or 16 keys of one.
        """
        if vkey.key_type not in _LOG_TYPES:
            raise UsageError(f"no log signs with a key of type {vkey.key_type:02x}")
        try:
            Checkpoint(origin, 0, EMPTY_ROOT)
        except BadNote as error:
            raise UsageError(error.message, code="bad-origin") from None
        with self._database.writing("adding a witnessed log") as connection:
            return store.add_log(connection, origin, vkey)

    def checkpoint(self, origin_digest: str) -> bytes | None:
        """Return the checkpoint last cosigned of the log whose origin has this SHA-256, in hex.

        It bears the log's lines and ours. None when there is none.
        """
        with self._database.reading("reading a witnessed log") as connection:
            for origin in store.read_origins(connection):
                if sha256(origin.encode()).hexdigest() == origin_digest:
                    log = store.read_log(connection, origin)
                    return None if log is None else log.note
        return None

    def add_checkpoint(self, body: bytes) -> Answered:
        """Answer a request: cosignature lines, the size we have, or why not (R23).

        StoreError and LogLockedError when the new state cannot be stored: nothing was cosigned.
        """
        try:
            request = parse_add_checkpoint(body)
        except BadNote as error:
            return Answered(400, error.code, error.message)
        origin = request.stated.origin
        while True:
            with self._database.reading("reading a witnessed log") as connection:
                log = store.read_log(connection, origin)
            decision = decide(
                log.state if log else WitnessState(), request, log.vkeys if log else None
            )
            if log is None or decision.outcome is not Outcome.COSIGN:
                return self._refuse(log, request, decision)
            lines = self._cosign(log, request, decision)
            if lines is not None:
                return Answered(200, Outcome.COSIGN.code, decision.reason, lines)

    def _cosign(
        self, log: WitnessedLog, request: AddCheckpoint, decision: Decision
    ) -> bytes | None:
        """Sign, store, and only then return the lines; None when another request was quicker."""
        stated = request.stated
        now_s = self._clock() // 1000
        text = request.note.text
        own = tuple(cosigner.sign(text, now_s) for cosigner in self._cosigners())
        note = Note(text, (*decision.note.signatures, *own)).encode()
        new = WitnessState(stated.size, stated.root)
        with self._database.writing("cosigning") as connection:
            swapped = store.swap_log(connection, log.origin, log.state, new, note)
        return "".join(f"{each.line()}\n" for each in own).encode() if swapped else None

    def _refuse(
        self, log: WitnessedLog | None, request: AddCheckpoint, decision: Decision
    ) -> Answered:
        outcome = decision.outcome
        if log is not None and decision.is_evidence:
            self._keep(log, request, decision)
        if log is not None and outcome is Outcome.CONFLICT:
            size = f"{log.state.size}\n".encode()
            return Answered(outcome.status, outcome.code, decision.reason, size, SIZE_TYPE)
        return Answered(outcome.status, outcome.code, decision.reason)

    def _keep(self, log: WitnessedLog, request: AddCheckpoint, decision: Decision) -> None:
        reason, piece = decision.outcome.code, store.piece_of(log, decision)
        with self._database.reading("looking for evidence") as connection:
            if not store.has_room_for(connection, log.origin, reason, piece):
                return  # what is sent again and again costs no write
        with self._database.writing("keeping evidence of a fork") as connection:
            new = store.keep_piece(connection, log.origin, reason, piece, self._clock())
        if new:
            convicts = decision.outcome is Outcome.TWO_ROOTS
            size = request.stated.size
            self._emit(LogForked(log.origin, size, reason, convicts))
