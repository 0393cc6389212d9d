"""Asking witnesses to cosign our own checkpoints (R26). It never holds up the recorder."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Self

from lodestamp.core.merkle import SIZE_MAX
from lodestamp.core.transparency import (
    AddCheckpoint,
    Cosignature,
    VerifierKey,
    encode_add_checkpoint,
    parse_note,
    verify_cosignatures,
)
from lodestamp.errors import BadNote, ContentError, LimitExceeded, LodestampError
from lodestamp.node import recorder
from lodestamp.node.anchors.witness.cosignatures import keep_cosignatures, last_size
from lodestamp.node.anchors.witness.events import WitnessAhead, WitnessEvent
from lodestamp.node.blocks import Remote
from lodestamp.node.storage import Database

SUBMIT_EVERY_S: Final = 10
"""Seconds between two rounds of a running client."""
REPLY_SIZE_MAX: Final = 65_536
"""Bytes of an answer: 16 post-quantum lines. A witness signs one or two."""
_OWN_WORK_S: Final = 2
"""Seconds for our own database, beyond two requests that each connect and answer in time."""
_PATH: Final = "/add-checkpoint"
_CONFLICT: Final = 409
_is_size: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n").fullmatch

State = Literal["cosigned", "ahead", "behind", "passed", "refused", "lied", "away"]
"""``cosigned``; ``ahead`` of us; still ``behind`` after a second try; it has ``passed`` an older
checkpoint that it was shown; it ``refused``; it ``lied``, that is, its signature does not hold; or
nobody answered in time, ``away``."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of showing one witness the checkpoint of `size`; `names` are who cosigned."""

    url: str
    size: int
    state: State
    names: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Head:
    """The checkpoint to be shown, the newest as the log stands or one that was asked for."""

    size: int
    note: bytes
    is_newest: bool


class WitnessClient:
    """Shows a log's newest checkpoint to its witnesses. Close it, or use it as a context manager.

    `witnesses` are submission prefixes with the keys each signs by; a witness has `timeout_s`
    seconds to answer, and is silent for no more than that.
    """

    def __init__(
        self,
        database: Database,
        witnesses: Mapping[str, Sequence[VerifierKey]],
        *,
        timeout_s: float,
        emit: Callable[[WitnessEvent], None],
    ) -> None:
        self._database = database
        self._witnesses = {url: tuple(vkeys) for url, vkeys in witnesses.items()}
        self._remotes = {url: Remote(url, silence_s=timeout_s) for url in witnesses}
        self._patience_s = 4 * timeout_s + _OWN_WORK_S
        self._emit = emit
        self._sizes: dict[str, int] = {}
        self._submitting = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def submit(self, size: int | None = None) -> list[Submitted]:
        """Show a checkpoint, by default the newest, to every witness and store what they sign.

        All are asked at once. What a witness does wrong is said in its result; StoreError when
        storing fails, UsageError where no checkpoint of this size was signed.
        """
        if not self._witnesses:
            return []
        with self._submitting:
            shown = self._head(size).size
            ask = partial(self._submit_to, size=size)
            pending = {url: _Call(url, ask) for url in self._witnesses}
            deadline = time.monotonic() + self._patience_s
            return [
                call.result(deadline) or Submitted(url, shown, "away", detail="no answer in time")
                for url, call in pending.items()
            ]

    def start(self) -> None:
        """Submit now and every ten seconds, in a thread of its own, until closed."""
        self._thread = threading.Thread(target=self._run, name="witness-client", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the round that is under way, and let the connections go."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        for remote in self._remotes.values():
            remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                if self._has_news():
                    self.submit()
            except LodestampError:
                pass  # the database is busy or gone; the next round tries again
            self._stopping.wait(max(0.0, SUBMIT_EVERY_S - (time.monotonic() - started)))

    def _has_news(self) -> bool:
        size = self._head().size
        return any(self._last_size(url) < size for url in self._witnesses)

    def _submit_to(self, url: str, size: int | None) -> Submitted:
        head = self._head(size)
        try:
            return self._show(url, head, self._last_size(url), again=True)
        except (ContentError, LimitExceeded) as error:
            return Submitted(url, head.size, "away", detail=error.message)

    def _show(self, url: str, head: _Head, old: int, *, again: bool) -> Submitted:
        if old > head.size:
            return self._beyond(url, old, head)
        proof: tuple[bytes, ...] = ()
        if 0 < old < head.size:
            with self._database.reading("proving consistency") as connection:
                proof = recorder.consistency(connection, old, head.size).hashes
        request = AddCheckpoint(old, proof, parse_note(head.note))
        status, body = self._remotes[url].exchange(
            "POST", _PATH, content=encode_add_checkpoint(request), size_max=REPLY_SIZE_MAX
        )
        if status == _CONFLICT:
            return self._after_conflict(url, head, body, again=again)
        if status != 200:
            said = " ".join(body[:300].decode("utf-8", "replace").split())
            return Submitted(url, head.size, "refused", detail=f"{status} {said}".rstrip())
        return self._store(url, head, body)

    def _after_conflict(self, url: str, head: _Head, body: bytes, *, again: bool) -> Submitted:
        stated = _is_size(body)
        size = int(stated[1]) if stated else SIZE_MAX + 1
        if size > SIZE_MAX:
            return Submitted(url, head.size, "refused", detail="409 without a size")
        if head.is_newest:  # ours may have grown meanwhile, and another process submits too
            head = self._head()
        if size > head.size:
            return self._beyond(url, size, head)
        self._sizes[url] = size
        if not again:
            return Submitted(url, head.size, "behind", detail=f"it has cosigned size {size}")
        return self._show(url, head, size, again=False)

    def _beyond(self, url: str, size: int, head: _Head) -> Submitted:
        """Tell of a witness that has cosigned more than it is shown, or than there is."""
        newest = head if head.is_newest else self._head()
        detail = f"it has cosigned size {size}"
        if size <= newest.size:
            self._sizes[url] = size
            return Submitted(url, head.size, "passed", detail=detail)
        self._emit(WitnessAhead(url, size, newest.size))
        return Submitted(url, newest.size, "ahead", detail=detail)

    def _store(self, url: str, head: _Head, body: bytes) -> Submitted:
        known = {(vkey.name, vkey.key_id): vkey for vkey in self._witnesses[url]}
        try:
            said = _read_reply(head, body, self._witnesses[url])
        except BadNote as error:
            return Submitted(url, head.size, "lied", detail=error.message)
        with self._database.writing("storing cosignatures") as connection:
            keep_cosignatures(connection, head.size, said, known)
        self._sizes[url] = head.size
        names = tuple(dict.fromkeys(each.name for each in said))
        return Submitted(url, head.size, "cosigned", names)

    def _head(self, size: int | None = None) -> _Head:
        with self._database.reading("reading the checkpoint") as connection:
            if size is not None:
                return _Head(size, recorder.checkpoint_note(connection, size), is_newest=False)
            head = recorder.read_head(connection)
        return _Head(head.size, head.note, is_newest=True)

    def _last_size(self, url: str) -> int:
        if url not in self._sizes:
            with self._database.reading("reading cosignatures") as connection:
                self._sizes[url] = last_size(connection, self._witnesses[url])
        return self._sizes[url]


class _Call:
    """One witness being asked, in a thread that is waited for only so long.

    A peer that sends a byte now and then can hold its own thread, and nobody else.
    """

    def __init__(self, url: str, ask: Callable[[str], Submitted]) -> None:
        self._url = url
        self._ask = ask
        self._said: Submitted | None = None
        self._failed: LodestampError | None = None
        self._thread = threading.Thread(target=self._run, name=f"witness {url}", daemon=True)
        self._thread.start()

    def result(self, deadline: float) -> Submitted | None:
        """Return what came of it, None when it has not ended; its error, if it failed."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._failed is not None:
            raise self._failed
        return self._said

    def _run(self) -> None:
        try:
            self._said = self._ask(self._url)
        except LodestampError as error:
            self._failed = error


def _read_reply(head: _Head, body: bytes, vkeys: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the verified lines of an answer; BadNote when it has none, or one that fails."""
    text = parse_note(head.note).text
    said = verify_cosignatures(parse_note(f"{text}\n".encode() + body), vkeys)
    if not said:
        raise BadNote("the answer holds no line of a key of this witness", code="malformed")
    return said
