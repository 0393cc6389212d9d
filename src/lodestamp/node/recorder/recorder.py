"""The recorder: the only writer of a log (operations spec N1-N5, N9; DESIGN D11).

Callers hand in operations from any thread; one thread of ours collects what is waiting and commits
it as a group. What strangers signed is parsed and verified beforehand, in a small pool; our own is
built, signed and then verified by the same code in the writer. In one transaction the writer checks
causal references, stores rows, appends leaves and signs the new checkpoint. A future resolves after
that commit and never before: acknowledged means on disk, in the tree, under a signed checkpoint.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from lodestamp.core.encoding import JsonObject, canonical_json, parse_canonical
from lodestamp.core.operations import DEPTH_MAX
from lodestamp.errors import LimitExceeded, LodestampError, RecordError, StoreError
from lodestamp.node.recorder.admission import Admission, Place, Read, read_wire
from lodestamp.node.recorder.authoring import Authorship, Own, author
from lodestamp.node.recorder.batch import Batch
from lodestamp.node.recorder.heads import Heads, HeadsChange
from lodestamp.node.recorder.limits import (
    FLUSH_IDLE_S_MAX,
    FLUSH_OPERATIONS_MAX,
    FLUSH_WAIT_S_MAX,
    PEER_LENGTH_MAX,
    QUEUE_MAX,
    SUBMIT_MAX,
)
from lodestamp.node.recorder.log import Log
from lodestamp.node.recorder.pasts import Pasts
from lodestamp.node.recorder.pool import Pool, read_next_due
from lodestamp.node.recorder.recorded import Event, Recorded
from lodestamp.node.recorder.rows import NOTHING_PRIVATE, Private
from lodestamp.node.storage import Database

Answer = Recorded | LodestampError
"""What became of one operation of a batch; a bad one does not spoil its neighbours (N4)."""

LOCAL_PEER: Final = "local"
"""Who handed an operation in, when it came from this machine."""
_VERIFIERS: Final = 2
"""Threads that parse and verify; libsodium releases the interpreter lock."""
_VERIFIED_AT_ONCE: Final = 100
"""Wire forms that one thread takes at once, so that two share even one large submission."""
_RETRY_S: Final = 5
"""Seconds until held operations are tried again after the store failed."""
_DUE_LOOK_S: Final = 60.0
"""Seconds after which the clock is read again while an operation is held: it may be set."""


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Wire forms somebody handed us, being verified in the pool."""

    verified: Sequence[Future[list[Read]]]
    peer: str
    count: int
    future: Future[list[Answer]]

    def reads(self) -> list[Read]:
        """Return what the pool read, once it has."""
        return [read for part in self.verified for read in part.result()]


_Submission = _Foreign | Own


class Recorder:
    """Verifies, stores and seals operations. Thread-safe; close it to flush what is waiting."""

    def __init__(
        self,
        database: Database,
        log: Log,
        authorship: Authorship,
        *,
        clock: Callable[[], int],
        publish: Callable[[bytes], None],
        emit: Callable[[Event], None],
    ) -> None:
        """Start the writer.

        `clock` gives Unix milliseconds; `publish` receives each signed checkpoint after its commit,
        `emit` what nobody asked for: an equivocation, an operation that waited and no longer does.
        """
        self._database = database
        self._log = log
        self.authorship = authorship
        self._clock = clock
        self._publish = publish
        self._emit = emit
        self._heads, self._pasts = Heads(), Pasts()
        with database.reading("opening the pool") as connection:
            self._due = read_next_due(connection)
        # a SimpleQueue and an RLock, so that a signal handler may call `close` at any instant
        self._waiting: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._places = threading.Semaphore(QUEUE_MAX)
        self._pool = ThreadPoolExecutor(_VERIFIERS, thread_name_prefix="lodestamp-verify")
        self._entry = threading.RLock()
        self._closed = False
        self._process = os.getpid()
        self._writer = threading.Thread(target=self._run, name="lodestamp-recorder", daemon=True)
        self._writer.start()

    def submit(self, wires: Sequence[bytes], *, peer: str = LOCAL_PEER) -> Future[list[Answer]]:
        """Hand in wire forms that `peer` gave us; the answers come in the same order.

        One whose parents are missing waits as ``pending``, one dated more than 120 seconds ahead as
        ``held``. One that does not parse, verify or fit the log gets its LodestampError in its
        place. The future itself fails only with StoreError or LogLockedError: then nothing of the
        group was kept. LimitExceeded above 10,000 of them, RecordError ``closed`` after `close`.
        """
        if len(wires) > SUBMIT_MAX:
            raise LimitExceeded(
                "the number of operations handed in at once", SUBMIT_MAX, len(wires)
            )
        if len(peer) > PEER_LENGTH_MAX:
            raise LimitExceeded("the length of a peer's name", PEER_LENGTH_MAX, len(peer))
        answers: Future[list[Answer]] = Future()
        with self._room(), self._entry:
            self._refuse_if_closed()
            verified = [
                self._pool.submit(lambda some: [read_wire(wire) for wire in some], part)
                for at in range(0, len(wires), _VERIFIED_AT_ONCE)
                if (part := wires[at : at + _VERIFIED_AT_ONCE])
            ]
            self._enter(_Foreign(verified, peer, len(wires), answers))
        return answers

    def author(
        self,
        type_: str,
        body: JsonObject,
        *,
        by: Authorship | None = None,
        private: Private = NOTHING_PRIVATE,
    ) -> Future[Recorded]:
        """Sign and record an operation of our own on top of everything the log holds.

        `by` is who writes it, by default the author the recorder was made with; `private` stays in
        this home. The body is taken as it is now: EncodingError at once outside the value space.
        The future fails with OpError, CausalError, SignatureError or RecordError for an operation
        that may not be recorded, with StoreError or LogLockedError when the store failed.
        RecordError ``closed`` after `close`, ``forked`` in a child process, ``reentrant`` in a
        future's callback.
        """
        # a copy of its own: what is signed is what was handed in, whatever the caller does next
        body = parse_canonical(canonical_json(body, depth_max=DEPTH_MAX))
        recorded: Future[Recorded] = Future()
        own = Own(type_, body, by or self.authorship, private, recorded)
        with self._room(), self._entry:
            self._refuse_if_closed()
            self._enter(own)
        return recorded

    def close(self) -> None:
        """Commit what is waiting, then stop the threads; returns when that is done.

        RecordError ``reentrant`` when a future's callback calls it.
        """
        self._refuse_own_thread()
        with self._entry:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        if os.getpid() == self._process:  # a forked child has no writer to wait for
            self._writer.join()
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self, submission: _Submission) -> None:
        submission.future.set_running_or_notify_cancel()  # from here on it cannot be withdrawn
        self._waiting.put(submission)

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Wait for a place in the queue, and give it back when nothing was put there."""
        self._refuse_own_thread()
        if os.getpid() != self._process:
            hint = "open the home again in the child process"
            raise RecordError("the recorder stayed in the parent process", code="forked", hint=hint)
        self._places.acquire()
        try:
            yield
        except BaseException:
            self._places.release()
            raise

    def _refuse_own_thread(self) -> None:
        if threading.current_thread() is self._writer:
            hint = "a future's callback must hand such work to another thread"
            raise RecordError("the recorder cannot wait for itself", code="reentrant", hint=hint)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RecordError("the recorder is closed", code="closed")

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._collect()
            if group or self._is_due():
                self._commit(group)

    def _is_due(self) -> bool:
        return self._due is not None and self._due <= self._clock() // 1000

    def _patience(self) -> float | None:
        """Return how long to wait for work: for ever, unless an operation is held."""
        if self._due is None:
            return None
        return min(max(self._due - self._clock() / 1000, 0.0), _DUE_LOOK_S)

    def _collect(self) -> tuple[list[_Submission], bool]:
        """Wait for work, then gather until a flush limit; False when the recorder is closing.

        Nothing is returned when the wait was for a held operation.
        """
        try:
            first = self._waiting.get(timeout=self._patience())
        except queue.Empty:
            return [], True
        if first is None:
            return [], False
        self._places.release()
        group = [first]
        count = first.count
        deadline = time.monotonic() + FLUSH_WAIT_S_MAX
        while count < FLUSH_OPERATIONS_MAX:
            patience = min(FLUSH_IDLE_S_MAX, deadline - time.monotonic())
            if patience <= 0:
                break
            try:
                submission = self._waiting.get(timeout=patience)
            except queue.Empty:
                break
            if submission is None:
                return group, False
            self._places.release()
            group.append(submission)
            count += submission.count
        return group, True

    def _commit(self, group: list[_Submission]) -> None:
        try:
            written = self._write(group)
        except Exception as error:  # noqa: BLE001  whatever it was, no caller may wait for ever
            failure = (
                error if isinstance(error, LodestampError) else StoreError(f"writing: {error!r}")
            )
            self._due = None if self._due is None else self._clock() // 1000 + _RETRY_S
            for submission in group:
                _outlive(partial(submission.future.set_exception, failure))
            return
        self._heads.adopt(written.heads, written.log.head.size)
        self._log, self._due = written.log, written.due
        if written.grown:
            _outlive(lambda: self._publish(written.log.head.note))
        for submission, places in zip(group, written.places, strict=True):
            _outlive(_resolution(submission, places, written.log.head.size))
        for event in written.events:
            _outlive(partial(self._emit, event))

    def _write(self, group: list[_Submission]) -> _Written:
        """Write the group in one transaction."""
        reads = [each.reads() if isinstance(each, _Foreign) else [] for each in group]
        now_ms = self._clock()
        now_s = now_ms // 1000
        with self._database.writing("recording") as connection:
            log = self._log.catch_up(connection)
            self._heads.catch_up(connection, log.head.size)
            heads = self._heads.change()
            batch = Batch(connection, log.head.size, heads, self._pasts)
            pool = Pool(connection, now_ms)
            admission = Admission(batch, pool, now_s)
            batch.look_up([read.op for some in reads for read in some if read.op is not None])
            admission.release_due()
            places = [
                admission.take(some, submission.peer)
                if isinstance(submission, _Foreign)
                else [_place_own(batch, submission, now_s)]
                for submission, some in zip(group, reads, strict=True)
            ]
            events: list[Event] = [*batch.write(now_ms), *admission.released]
            pool.write()
            due = pool.next_due()
            grown = bool(batch.digests)
            if grown:
                log = log.extend(connection, batch.digests, now_ms)
        return _Written(log, heads, places, events, due, grown=grown)


@dataclass(frozen=True, slots=True)
class _Written:
    """What a transaction did, to be adopted now that it has committed."""

    log: Log
    heads: HeadsChange
    places: list[list[Place | LodestampError]]
    events: list[Event]
    due: int | None
    grown: bool


def _outlive(callback: Callable[[], object]) -> None:
    """Call what may run strangers' code; the writer goes on whatever that does."""
    try:
        callback()
    except BaseException:  # noqa: BLE001  even SystemExit: it is not this thread's to obey
        traceback.print_exc()


def _place_own(batch: Batch, own: Own, now_s: int) -> Place | LodestampError:
    try:
        return author(batch, own, now_s)
    except LodestampError as error:
        return error


def _resolution(
    submission: _Submission, places: Sequence[Place | LodestampError], size: int
) -> Callable[[], None]:
    answers: list[Answer] = [
        place if isinstance(place, LodestampError) else place.recorded(size) for place in places
    ]
    if isinstance(submission, _Foreign):
        return lambda: submission.future.set_result(answers)
    answer = answers[0]
    if isinstance(answer, LodestampError):
        return lambda: submission.future.set_exception(answer)
    return lambda: submission.future.set_result(answer)
