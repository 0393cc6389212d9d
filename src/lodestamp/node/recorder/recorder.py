"""The recorder: the only writer of a log (operations spec N1-N5, N9; DESIGN D11).

Callers hand in operations from any thread; one thread of ours collects what is waiting and commits
it as a group. What strangers signed is parsed and verified beforehand, in a small pool; our own is
built, signed and then verified by the same code in the writer. In one transaction the writer checks
causal references, stores rows, appends leaves and signs the new checkpoint. A future resolves after
that commit and never before: acknowledged means on disk, in the tree, under a signed checkpoint.
"""

from __future__ import annotations

import heapq
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

from lodestamp.core.encoding import JsonObject, canonical_json, is_content_address, parse_canonical
from lodestamp.core.keys import Signer
from lodestamp.core.operations import DEPTH_MAX, Operation, build_op, parse_op, verify_op
from lodestamp.errors import LimitExceeded, LodestampError, RecordError, StoreError, UsageError
from lodestamp.node.recorder.batch import Batch
from lodestamp.node.recorder.limits import (
    CLOCK_SKEW_S_MAX,
    FLUSH_IDLE_S_MAX,
    FLUSH_OPERATIONS_MAX,
    FLUSH_WAIT_S_MAX,
    QUEUE_MAX,
    SUBMIT_MAX,
)
from lodestamp.node.recorder.log import Log
from lodestamp.node.recorder.recorded import Recorded, RecordStatus
from lodestamp.node.storage import Database

Answer = Recorded | LodestampError
"""What became of one operation of a batch; a bad one does not spoil its neighbours (N4)."""

_VERIFIERS: Final = 2
"""Threads that parse and verify; libsodium releases the interpreter lock."""


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Wire forms somebody handed us, being verified in the pool."""

    verified: Future[list[Operation | LodestampError]]
    count: int
    future: Future[list[Answer]]


@dataclass(frozen=True, slots=True)
class _Own:
    """An operation to build and sign inside the writer, so that two threads never fork (N5)."""

    type: str
    body: JsonObject
    sources: tuple[str, ...]
    future: Future[Recorded]
    count: int = 1


_Submission = _Foreign | _Own


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who writes our own operations: the key and the node label they carry."""

    signer: Signer
    node: str


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
    ) -> None:
        """Start the writer.

        `clock` gives Unix milliseconds; `publish` receives each signed checkpoint after its commit.
        """
        self._database = database
        self._log = log
        self._authorship = authorship
        self._clock = clock
        self._publish = publish
        # a SimpleQueue and an RLock, so that a signal handler may call `close` at any instant
        self._waiting: queue.SimpleQueue[_Submission | None] = queue.SimpleQueue()
        self._places = threading.Semaphore(QUEUE_MAX)
        self._pool = ThreadPoolExecutor(_VERIFIERS, thread_name_prefix="lodestamp-verify")
        self._entry = threading.RLock()
        self._closed = False
        self._process = os.getpid()
        self._writer = threading.Thread(target=self._run, name="lodestamp-recorder", daemon=True)
        self._writer.start()

    def submit(self, wires: Sequence[bytes]) -> Future[list[Answer]]:
        """Hand in wire forms; the answers come in the same order.

        An operation that does not parse, verify or fit the log gets its LodestampError in its
        place. The future itself fails only with StoreError or LogLockedError: then nothing of the
        group was kept. LimitExceeded above 10,000 of them, RecordError ``closed`` after `close`.
        """
        if len(wires) > SUBMIT_MAX:
            raise LimitExceeded(
                "the number of operations handed in at once", SUBMIT_MAX, len(wires)
            )
        answers: Future[list[Answer]] = Future()
        with self._room(), self._entry:
            self._refuse_if_closed()
            verified = self._pool.submit(lambda: [_admit(wire) for wire in wires])
            self._enter(_Foreign(verified, len(wires), answers))
        return answers

    def author(self, type_: str, body: JsonObject) -> Future[Recorded]:
        """Sign and record an operation of our own on top of everything the log holds.

        The body is taken as it is now: EncodingError at once outside the value space. The future
        fails with OpError, CausalError or RecordError for a body that may not be recorded, with
        StoreError or LogLockedError when the store failed. RecordError ``closed`` after `close`,
        ``forked`` in a child process, ``reentrant`` in a future's callback.
        """
        # a copy of its own: what is signed is what was handed in, whatever the caller does next
        body = parse_canonical(canonical_json(body, depth_max=DEPTH_MAX))
        recorded: Future[Recorded] = Future()
        own = _Own(type_, body, _sources(body), recorded)
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
            if group:
                self._commit(group)

    def _collect(self) -> tuple[list[_Submission], bool]:
        """Wait for work, then gather until a flush limit; False when the recorder is closing."""
        first = self._waiting.get()
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
            log, note, resolutions = self._write(group)
        except Exception as error:  # noqa: BLE001  whatever it was, no caller may wait for ever
            failure = (
                error if isinstance(error, LodestampError) else StoreError(f"writing: {error!r}")
            )
            for submission in group:
                _outlive(partial(submission.future.set_exception, failure))
            return
        self._log = log
        if note is not None:
            _outlive(lambda: self._publish(note))
        for resolve in resolutions:
            _outlive(resolve)

    def _write(
        self, group: list[_Submission]
    ) -> tuple[Log, bytes | None, list[Callable[[], None]]]:
        """Write the group in one transaction: the log after it, its note, what to resolve."""
        verified = [
            submission.verified.result() if isinstance(submission, _Foreign) else []
            for submission in group
        ]
        now_ms = self._clock()
        with self._database.writing("recording") as connection:
            log = self._log.catch_up(connection)
            batch = Batch(connection, log.head.size)
            batch.look_up([op for ops in verified for op in ops if isinstance(op, Operation)])
            placed = [
                self._place_foreign(batch, ops, now_ms)
                if isinstance(submission, _Foreign)
                else [self._place_own(batch, submission, now_ms)]
                for submission, ops in zip(group, verified, strict=True)
            ]
            batch.write(now_ms)
            grown = bool(batch.digests)
            if grown:
                log = log.extend(connection, batch.digests, now_ms)
        size = log.head.size
        resolutions = [
            _resolution(submission, places, size)
            for submission, places in zip(group, placed, strict=True)
        ]
        return log, log.head.note if grown else None, resolutions

    def _place_own(self, batch: Batch, own: _Own, now_ms: int) -> _Place | LodestampError:
        try:
            op = build_op(
                self._authorship.signer,
                self._authorship.node,
                own.type,
                own.body,
                batch.heads_for(own.sources),
                now_ms // 1000,
            )
            verify_op(op)
            # its parents are heads, which nothing in the log points at: it cannot be there yet
            return _Place(op.op_id, batch.accept(op).seq, RecordStatus.NEW)
        except LodestampError as error:
            return error

    def _place_foreign(
        self, batch: Batch, ops: Sequence[Operation | LodestampError], now_ms: int
    ) -> list[_Place | LodestampError]:
        places: dict[int, _Place | LodestampError] = {
            at: op for at, op in enumerate(ops) if isinstance(op, LodestampError)
        }
        for at, op in _topological(ops):
            try:
                _refuse_future(op, now_ms)
                places[at] = _place(batch, op)
            except LodestampError as error:
                places[at] = error
        return [places[at] for at in range(len(ops))]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an operation stands in the log, and whether it was there before."""

    op_id: str
    log_index: int
    status: RecordStatus


def _outlive(callback: Callable[[], object]) -> None:
    """Call what may run strangers' code; the writer goes on whatever that does."""
    try:
        callback()
    except BaseException:  # noqa: BLE001  even SystemExit: it is not this thread's to obey
        traceback.print_exc()


def _sources(body: JsonObject) -> tuple[str, ...]:
    named = body.get("derived_from")
    return tuple(filter(is_content_address, named)) if isinstance(named, list) else ()


def _admit(wire: bytes) -> Operation | LodestampError:
    if type(wire) is not bytes:
        return UsageError(f"an operation is handed in as bytes, not as {type(wire).__name__}")
    try:
        op = parse_op(wire)
        verify_op(op)
    except LodestampError as error:
        return error
    return op


def _refuse_future(op: Operation, now_ms: int) -> None:
    if op.ts > now_ms // 1000 + CLOCK_SKEW_S_MAX:
        ahead = op.ts - now_ms // 1000
        raise RecordError(
            f"{op.op_id} is dated {ahead:,} seconds ahead of this clock",
            code="clock-ahead",
            hint="check both clocks and hand it in again",
        )


def _place(batch: Batch, op: Operation) -> _Place:
    known = batch.find(op.digest)
    if known is not None:
        return _Place(op.op_id, known.seq, RecordStatus.KNOWN)
    return _Place(op.op_id, batch.accept(op).seq, RecordStatus.NEW)


def _topological(ops: Sequence[Operation | LodestampError]) -> Iterator[tuple[int, Operation]]:
    """Yield operations so that parents in the batch come before children, ties by op id (N4)."""
    good = {at: op for at, op in enumerate(ops) if isinstance(op, Operation)}
    position = {op.op_id: at for at, op in good.items()}
    waits: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for at, op in good.items():
        inside = [position[op_id] for op_id in op.prev if op_id in position]
        waits[at] = len(inside)
        for parent in inside:
            children.setdefault(parent, []).append(at)
    ready = [(good[at].op_id, at) for at, count in waits.items() if count == 0]
    heapq.heapify(ready)
    while ready:
        _, at = heapq.heappop(ready)
        yield at, good[at]
        for child in children.get(at, ()):
            waits[child] -= 1
            if waits[child] == 0:
                heapq.heappush(ready, (good[child].op_id, child))


def _resolution(
    submission: _Submission, places: Sequence[_Place | LodestampError], size: int
) -> Callable[[], None]:
    answers: list[Answer] = [
        place
        if isinstance(place, LodestampError)
        else Recorded(place.op_id, place.log_index, size, place.status)
        for place in places
    ]
    if isinstance(submission, _Foreign):
        return lambda: submission.future.set_result(answers)
    answer = answers[0]
    if isinstance(answer, LodestampError):
        return lambda: submission.future.set_exception(answer)
    return lambda: submission.future.set_result(answer)
