"""A home and its calendars: who is asked, with what, and what that does to a proof (R50-R54, R68).

Nothing is sent unless somebody named a calendar: in ``config.toml``, on the command line, or by
opening one in this home.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lodestamp.core.bitcoin import HEADER_SIZE
from lodestamp.core.encoding import OP_CID_PREFIX, Digest, digest_of_address, is_content_address
from lodestamp.core.merkle import operation_leaf, root_from
from lodestamp.core.proof import (
    Anchor,
    AnchorKind,
    Checkpoint,
    Log,
    Proof,
    compress_run,
    replace_checkpoint,
)
from lodestamp.core.timestamps import (
    Pending,
    Timestamp,
    anchor_digest,
    encode_timestamp,
    merge,
    parse_timestamp,
    walk,
)
from lodestamp.core.transparency import VerifierKey, parse_checkpoint, parse_note
from lodestamp.errors import InputError, UsageError
from lodestamp.node import recorder
from lodestamp.node.anchors import (
    CalendarClient,
    Completer,
    HeaderStore,
    Journal,
    NotYet,
    OwnCalendar,
    Round,
    StoredHeaders,
    Submission,
    Submissions,
    Upgrader,
    Whitelist,
    parse_uri,
)
from lodestamp.node.calendar_settings import CalendarSettings
from lodestamp.node.chained_anchors import chain_of
from lodestamp.node.chains import ChainSource
from lodestamp.node.progress import Progress
from lodestamp.node.proving import checkpoint_of
from lodestamp.node.storage import Database

RUN_LENGTH: Final = 6
"""Headers that a proof carries by default: the attested block and five after it (R70)."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A proof with all that is known of its time, and why what is missing is missing."""

    proof: Proof
    pending: dict[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether it carries an anchor in a block that has not left the best chain known here."""
        return not self.pending and any(each.height is not None for each in self.proof.anchors)


@dataclass(frozen=True, slots=True)
class _Followed:
    """An anchor as it is now, why it is no further, and whether it came into a block just now."""

    anchor: Anchor
    reasons: dict[str, str] = field(default_factory=dict)
    is_completed: bool = False

    @property
    def is_in_block(self) -> bool:
        return self.anchor.height is not None

    @property
    def stands(self) -> bool:
        """Whether it is in a block that has not left the best chain, as far as that is known."""
        return self.is_in_block and not self.reasons


class Calendars:
    """What a home does with calendars. Thread-safe."""

    def __init__(
        self,
        database: Database,
        log_key: VerifierKey,
        settings: CalendarSettings,
        clock_ms: Callable[[], int],
        *,
        show_witnesses: Callable[[int], None],
    ) -> None:
        self._database = database
        self._log_key = log_key
        self._submissions = Submissions(database, log_key.name, clock_ms)
        self._client = CalendarClient()
        self._show_witnesses = show_witnesses
        self._headers = StoredHeaders(database)
        self.settings = settings
        self.own = OwnCalendar(database)
        self.journal = Journal(database)

    @property
    def newest_size(self) -> int:
        """The size of the newest checkpoint."""
        with self._database.reading("reading the newest checkpoint") as connection:
            return recorder.read_head(connection).size

    def uris(self, named: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the calendars a checkpoint goes to: named, configured, and this home's own."""
        own = self.own.uri
        every = (*named, *self.settings.urls, *([] if own is None else [own]))
        return tuple(dict.fromkeys(each.removesuffix("/") for each in every))

    def note(self, named: Sequence[str] = (), *, size: int | None = None) -> None:
        """Note that a checkpoint, by default the newest, is to go to calendars; send nothing."""
        self._submissions.begin(self.uris(named), size)

    def submit(self, named: Sequence[str] = (), *, size: int | None = None) -> list[Submission]:
        """Hand a checkpoint, by default the newest, to calendars, all at once; to witnesses first.

        CalendarError ``calendar.too-few`` when fewer promised than the settings ask for. What they
        did not take is tried again by `try_due`.
        """
        uris = self.uris(named)
        if not uris:
            return []
        size = self.newest_size if size is None else size
        self._show_witnesses(size)
        needed = min(self.settings.needed, len(uris))
        return self._upgrader(named).submit(uris, size=size, needed=needed)

    def try_due(
        self,
        named: Sequence[str] = (),
        *,
        at_once: bool = False,
        progress: Progress | None = None,
    ) -> Round:
        """Send and ask again what is due, or with `at_once` all that is not complete."""
        return self._upgrader(named).try_due(at_once=at_once, progress=progress)

    def anchored(self, proof: Proof, size: int) -> Proof:
        """Return a proof of this log under the checkpoint of `size`, with what calendars promised.

        UsageError where no checkpoint was signed.
        """
        assert proof.log is not None  # noqa: S101  `prove` always carries it
        return self._under(proof, proof.log, size, self._anchors_of(self._submissions.of(size)))

    def follow(self, source: ChainSource) -> int:
        """Read what a node's best chain has beyond the headers known here; return how many.

        A home keeps the headers of one network. Errors as `HeaderStore.follow`.
        """
        return HeaderStore(self._database, source.network).follow(source)

    def all_near(self, named: Sequence[str] = ()) -> bool:
        """Tell whether all calendars are on this machine or in a private network."""
        own = self.own.uri
        return all(each == own or parse_uri(each).is_internal for each in self.uris(named))

    def upgrade(self, proof: Proof, named: Sequence[str] = ()) -> Upgraded:
        """Return a proof with its time, as far as calendars can show it now (R53, R68).

        A proof of this log gets log, checkpoint and anchor of the smallest checkpoint that covers
        it and is complete. Of another log's proof the promises that it carries are followed; only
        calendars that were named or are public are asked. InputError for a proof without a log, or
        one whose path does not lead to its own checkpoint.
        """
        log = proof.log
        if log is None or proof.checkpoint is None:
            raise InputError("the proof carries no log, so it has no checkpoint to anchor")
        ours = self._is_ours(proof, log)
        if ours:
            moved = self._moved(proof, log)
            if moved is not None:
                return Upgraded(moved, {})
        upgraded = self._followed(proof, log, named)
        if ours and not upgraded.is_complete:
            self.try_due(named, at_once=True)
            moved = self._moved(proof, log)
            if moved is not None:
                return Upgraded(moved, {})
            pending = self._reasons(log) or upgraded.pending
            return Upgraded(self._refreshed(upgraded.proof, log), pending)
        return upgraded

    def _upgrader(self, named: Sequence[str]) -> Upgrader:
        allowed = Whitelist((*self.uris(named), *self._submissions.uris()))
        return Upgrader(self._submissions, self._client, self.own, allowed, self._headers)

    def _is_ours(self, proof: Proof, log: Log) -> bool:
        """Tell whether the operation is the leaf of this log that the proof says it is."""
        if log.origin != self._log_key.name or not is_content_address(proof.op_id):
            return False
        leaf = operation_leaf(OP_CID_PREFIX + digest_of_address(proof.op_id))
        with self._database.reading("looking for the operation") as connection:
            if log.index >= recorder.read_head(connection).size:
                return False
            path, root = recorder.inclusion(connection, log.index)
        return root_from(leaf, path) == root

    def _moved(self, proof: Proof, log: Log) -> Proof | None:
        """Return the proof under the smallest complete checkpoint; never parts of two (R68)."""
        complete = self._submissions.first_complete(log.index)
        anchors = self._anchors_of(complete)
        if not any(each.height is not None for each in anchors):
            self._submissions.reopen(complete)  # their block has left the best chain (R63)
            return self._moved_by_ourselves(proof, log)
        return self._under(proof, log, complete[0].size, anchors)

    def _moved_by_ourselves(self, proof: Proof, log: Log) -> Proof | None:
        """Return the proof under the smallest checkpoint that this home itself anchored (R50)."""
        found = self.own.first_anchored(self._log_key.name, log.index)
        if found is None:
            return None
        size, timestamp = found
        checked = Completer(_ask_nobody, Whitelist(), self._headers).complete(timestamp)
        if checked.timestamp is None or checked.height is None:
            return None
        return self._under(proof, log, size, [self._in_block(checked.timestamp, checked.height)])

    def _under(self, proof: Proof, log: Log, size: int, anchors: Sequence[Anchor]) -> Proof:
        with self._database.reading("proving under another checkpoint") as connection:
            path, _ = recorder.inclusion(connection, log.index, size)
            note = recorder.checkpoint_note(connection, size)
            checkpoint = checkpoint_of(connection, self._log_key, note, size)
        place = Log(log.origin, path.index, path.size, path.to_bytes())
        return replace_checkpoint(proof, place, checkpoint, anchors)

    def _refreshed(self, proof: Proof, log: Log) -> Proof:
        """Return a proof of ours with all promises and cosignatures of its checkpoint.

        None is ever dropped.
        """
        try:
            refreshed = self.anchored(proof, log.size)
        except UsageError:  # no checkpoint of this size is ours
            return proof
        kept = set(promised_by(proof)) <= set(promised_by(refreshed)) and _signers_of(
            proof
        ) <= _signers_of(refreshed)
        return refreshed if kept and (refreshed.anchors or not proof.anchors) else proof

    def _followed(self, proof: Proof, log: Log, named: Sequence[str]) -> Upgraded:
        """Follow the promises in a proof itself."""
        assert proof.checkpoint is not None  # noqa: S101  the caller has looked
        digest = _digest_of(log, proof.checkpoint)
        completer = self._upgrader(named).completer()
        followed = [self._follow(anchor, digest, completer) for anchor in proof.anchors]
        # no promise is dropped for a block that only the file speaks of (R53)
        done = {each.anchor.network for each in followed if each.is_completed}
        standing = {each.anchor.network for each in followed if each.stands}
        kept = [
            each
            for each in followed
            if each.stands or each.anchor.network not in (standing if each.is_in_block else done)
        ]
        ordered = {each.anchor.order: each.anchor for each in sorted(kept, key=_order_of)}
        waiting = (each.reasons for each in kept if each.anchor.network not in standing)
        reasons = {place: why for said in waiting for place, why in said.items()}
        return Upgraded(_whole(replace(proof, anchors=tuple(ordered.values()))), reasons)

    def _follow(self, anchor: Anchor, digest: bytes, completer: Completer) -> _Followed:
        known = self._headers.network.name
        if anchor.height is not None:
            if left := self._left(anchor, anchor.height):
                return _Followed(anchor, left)
            return _Followed(self._lengthened(anchor, anchor.height))
        if anchor.kind is not AnchorKind.OTS:
            return _Followed(anchor)
        if anchor.network != known:
            said = f"this home knows the headers of {known}, not of {anchor.network}"
            return _Followed(anchor, {"headers": said})
        completed = completer.complete(parse_timestamp(anchor.ots, digest, strict=True))
        if completed.timestamp is None or completed.height is None:
            return _Followed(anchor, completed.reasons)
        placed = self._in_block(completed.timestamp, completed.height)
        return _Followed(placed, is_completed=True)

    def _lengthened(self, anchor: Anchor, height: int) -> Anchor:
        """Return an anchor with as many headers as are usual, if its own are known here (R70)."""
        if anchor.network != self._headers.network.name:
            return anchor
        raw, carried = self._headers.run(height, RUN_LENGTH), b"".join(anchor.run())
        if not raw.startswith(carried) or len(raw) == len(carried):
            return anchor
        return replace(anchor, headers=_compressed(raw))

    def _left(self, anchor: Anchor, height: int) -> dict[str, str]:
        """Return why an anchor's block counts no more: the best chain known here has another."""
        if anchor.network != self._headers.network.name:
            return {}
        known = self._headers.run(height, 1)
        if not known or (anchor.headers or known).startswith(known):
            return {}
        return {f"block {height}": "it has left the best chain; it is to be anchored again"}

    def _anchors_of(self, submissions: Sequence[Submission]) -> list[Anchor]:
        """Return one anchor in a block, the oldest there is; else one of all promises."""
        found = [each.timestamp for each in submissions if each.timestamp is not None]
        asked = Completer(_ask_nobody, Whitelist(), self._headers)
        checked = [asked.complete(each) for each in found]
        blocks = [
            (each.height, each.timestamp)
            for each in checked
            if each.height is not None and each.timestamp is not None
        ]
        if blocks:
            height, timestamp = min(blocks, key=_height_of)
            return [self._in_block(timestamp, height)]
        if not found:
            return []
        whole, *others = found
        for each in others:
            whole = merge(whole, each)
        return [Anchor(AnchorKind.OTS, self._headers.network.name, encode_timestamp(whole))]

    def _in_block(self, timestamp: Timestamp, height: int) -> Anchor:
        run = _compressed(self._headers.run(height, RUN_LENGTH))
        with self._database.reading("looking for a chain of anchors") as connection:
            chain = chain_of(connection, timestamp)
        kind = AnchorKind.OTS if chain is None else AnchorKind.CHAIN
        ots = encode_timestamp(timestamp)
        network = self._headers.network.name
        return Anchor(kind, network, ots, height, run, chain)

    def _reasons(self, log: Log) -> dict[str, str]:
        """Return why the checkpoints that cover a leaf are not complete, newest word last."""
        waiting = self._submissions.due(at_once=True)
        return {each.uri: each.reason for each in waiting if each.size > log.index and each.reason}


def promised_by(proof: Proof) -> list[str]:
    """Return the calendars whose promises a proof carries, where it has no block yet."""
    if proof.log is None or proof.checkpoint is None:
        return []
    digest = _digest_of(proof.log, proof.checkpoint)
    return sorted(
        {
            attestation.uri
            for anchor in proof.anchors
            if anchor.height is None
            for _, attestation in walk(parse_timestamp(anchor.ots, digest))
            if isinstance(attestation, Pending)
        }
    )


def _signers_of(proof: Proof) -> set[tuple[str, bytes]]:
    """Return who signed the checkpoint of a proof, as its note names them."""
    assert proof.checkpoint is not None  # noqa: S101  the caller has looked
    note = parse_note(proof.checkpoint.note.encode())
    return {(each.name, each.key_id) for each in note.signatures}


def _ask_nobody(uri: str, _commitment: bytes) -> NotYet:
    return NotYet(f"{uri} was not asked")


def _digest_of(log: Log, checkpoint: Checkpoint) -> Digest:
    """Return the anchor digest of a proof's own checkpoint."""
    stated = parse_checkpoint(parse_note(checkpoint.note.encode()).text)
    if (stated.origin, stated.size) != (log.origin, log.size):
        raise InputError("the proof's checkpoint is not that of its log")
    return anchor_digest(stated.origin, stated.size, stated.root)


def _whole(proof: Proof) -> Proof:
    """Return the proof as it is read from its file; errors as `Proof.parse`."""
    return Proof.parse(proof.encode())


def _compressed(raw: bytes) -> bytes:
    return compress_run([raw[at : at + HEADER_SIZE] for at in range(0, len(raw), HEADER_SIZE)])


def _order_of(followed: _Followed) -> tuple[str, int, bytes]:
    return followed.anchor.order


def _height_of(block: tuple[int, Timestamp]) -> int:
    return block[0]
