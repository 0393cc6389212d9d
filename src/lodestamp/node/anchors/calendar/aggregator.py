"""Many digests, one commitment: what the calendar does once a second (transparency spec R47-R49).

A digest d becomes the message SHA256(d ‖ nonce), so that neighbours in a tree learn nothing of one
another; the messages are the leaves of an RFC 9162 tree; its root with time and mac is the
commitment. Nobody is answered before the commitment is in the journal, on disk.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.merkle import InclusionProof, WholeTree, leaf_hashes
from lodestamp.core.timestamps import Op
from lodestamp.errors import CalendarError, UsageError

BATCH_MAX: Final = 10_000
"""Digests in one tree, and waiting for the next: what a second of answers may cost (R47)."""
PERIOD_S: Final = 1.0
PERIOD_S_MIN: Final = 0.2
PERIOD_S_MAX: Final = 5.0
"""Seconds between two trees: stock clients wait five for their answer."""
DIGEST_SIZE_MAX: Final = 64
"""Bytes of what is to be stamped: the longest digest in use has as many."""

_NONCE_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Member:
    """One digest's way to the root of its batch: its nonce, and the path of its leaf."""

    nonce: bytes
    proof: InclusionProof


class Batch:
    """Digests that share a commitment, each with a nonce of its own, as the leaves of a tree."""

    def __init__(self, digests: Sequence[bytes]) -> None:
        random = secrets.token_bytes(_NONCE_SIZE * len(digests))
        self._nonces = [random[at : at + _NONCE_SIZE] for at in range(0, len(random), _NONCE_SIZE)]
        pairs = zip(digests, self._nonces, strict=True)
        self._tree = WholeTree(
            leaf_hashes([sha256(digest + nonce).digest() for digest, nonce in pairs])
        )

    @property
    def root(self) -> bytes:
        """The root of the tree."""
        return self._tree.root

    def member(self, at: int) -> Member:
        """Return the way of the digest at a place."""
        return Member(self._nonces[at], self._tree.prove(at))


@dataclass(slots=True)
class _Waiting:
    digest: bytes
    answer: Future[bytes]


class Aggregator:
    """Collects digests, and answers each when its batch is committed. Thread-safe; close it.

    `commit` writes the commitment to a root and returns the operations that lead to it; `answer`
    puts an answer together. UsageError for a period outside 0.2 to 5 seconds.
    """

    def __init__(
        self,
        commit: Callable[[bytes], tuple[Op, ...]],
        answer: Callable[[Member, tuple[Op, ...]], bytes],
        *,
        period_s: float = PERIOD_S,
    ) -> None:
        if not PERIOD_S_MIN <= period_s <= PERIOD_S_MAX:
            hint = f"{PERIOD_S_MIN} to {PERIOD_S_MAX:g} seconds"
            raise UsageError(f"{period_s} seconds between two trees", code="period", hint=hint)
        self._commit = commit
        self._answer = answer
        self._period_s = period_s
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="calendar", daemon=True)
        self._thread.start()

    @property
    def retry_s(self) -> int:
        """Whole seconds after which there is room again."""
        return max(1, round(self._period_s))

    def submit(self, digest: bytes) -> Future[bytes]:
        """Take up a digest of 1 to 64 bytes; the future holds the answer once it is committed.

        CalendarError ``calendar.busy`` when a whole batch is waiting or the calendar is closing;
        the future fails with StoreError when the disk does not take the commitment.
        """
        if not 1 <= len(digest) <= DIGEST_SIZE_MAX:
            message = f"a digest of {len(digest)} bytes; it has 1 to {DIGEST_SIZE_MAX}"
            raise UsageError(message, code="digest-size")
        waiting = _Waiting(digest, Future())
        with self._lock:
            if len(self._waiting) >= BATCH_MAX or self._closing.is_set():
                hint = f"try again in {self.retry_s} seconds"
                message = "the calendar is busy"
                raise CalendarError("calendar.busy", message, hint=hint)
            self._waiting.append(waiting)
        return waiting.answer

    def close(self) -> None:
        """Commit and answer what is waiting, and end."""
        with self._lock:
            self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._period_s):
            self._take_batch()
        self._take_batch()

    def _take_batch(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        batch = [each for each in batch if each.answer.set_running_or_notify_cancel()]
        if not batch:
            return
        try:
            tree = Batch([each.digest for each in batch])
            ending = self._commit(tree.root)
            for at, each in enumerate(batch):
                each.answer.set_result(self._answer(tree.member(at), ending))
        except Exception as error:  # noqa: BLE001  whoever waits must hear of it, and the rest go on
            for each in batch:
                if not each.answer.done():
                    each.answer.set_exception(error)
