"""The key log: which key speaks for an identity, by its key events (operations spec K8, K9).

An event follows the one whose digest it names as `prior`. A rotation or deactivation must be made
with the key that the event before had promised by the digest of its id, so that a thief of the
current key cannot rotate, and a lost key can be replaced. Where no other key was promised, the
current one may still end the identity.

Two events after one are a fork: whoever held the promised key signed twice. Both stay, as evidence.
The one with the smaller position stands; while neither has one, the identity stays at the event
before. So the answer depends on what was appended, never on the order in which it came.

>>> from lodestamp.core.keys import KeyEvent, SigningKey, next_key_digest
>>> one, two = (SigningKey.from_seed("ed25519", bytes([n]) * 32).public_key for n in (1, 2))
>>> first = KeyEvent.inception("agent", one, nonce=bytes(16), next=next_key_digest(two.key_id))
>>> log = KeyLog()
>>> log.append(first, "sha256:" + "00" * 32, 7)
>>> log.append(first.rotation(two), "sha256:" + "11" * 32, 9)
>>> log.resolve(first.did, 8).key == one, log.resolve(first.did).key == two
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.keys.event import Did, Entity, EventKind, KeyEvent, next_key_digest
from lodestamp.core.keys.public import PublicKey
from lodestamp.errors import KeyEventError

FORK: Final = "key-log-fork"
"""The code of two events at one place of a key log."""

Position = tuple[int, int, int]
"""Ledger height, transaction index, leaf index of the finalised checkpoint that holds an event."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """What a key log says of an identity: the last undisputed event, and the key in force.

    `key` is None once the identity is deactivated. `disputed` says that a fork without positions
    follows the event; then the key is still that of the event.
    """

    did: Did
    entity: Entity
    owner: Did | None
    index: int
    key: PublicKey | None
    next: str | None
    op_id: str
    """The operation that carried the event."""
    disputed: bool = False

    @property
    def deactivated(self) -> bool:
        """Whether the identity has ended."""
        return self.key is None


@dataclass(frozen=True, slots=True)
class KeyFork:
    """Duplicity: two or more events at one place. The operations that carry them are the proof."""

    did: Did
    index: int
    op_ids: tuple[str, ...]
    """Ascending; one operation for each event."""
    standing: str | None
    """The one that stands, None while none has a position."""
    code: str = FORK


@dataclass(frozen=True, slots=True)
class _Entry:
    event: KeyEvent
    op_id: str
    index: int
    position: Position | None


class KeyLog:
    """The key events of one log, by identity.

    Appending is idempotent and its order does not matter, but for an event's own `prior`, which
    must be there: causality sees to that.
    """

    def __init__(self) -> None:
        self._begun: dict[Did, str] = {}
        self._entries: dict[str, _Entry] = {}
        self._following: dict[str, list[str]] = {}
        self._carried: dict[str, str] = {}

    def append(
        self, event: KeyEvent, op_id: str, index: int, position: Position | None = None
    ) -> None:
        """Add the event that operation `op_id`, at leaf `index` of this log, carries.

        KeyEventError ``unknown-prior`` when the event before is not here, ``wrong-did`` when that
        belongs to another identity, ``bad-index`` unless it follows by one, ``deactivated`` after
        an end, ``not-pre-rotated`` when the key is not the one that was promised. The caller has
        verified the operation, which this key signed.
        """
        entry = _Entry(event, op_id, index, position)
        if known := self._entries.get(event.digest):
            entry = _joined(known, entry)  # the same event in another operation is no fork
        elif event.prior is None:
            self._begun[event.did] = event.digest
        else:
            before = self._entries.get(event.prior)
            if before is None:
                raise KeyEventError("unknown-prior", f"{event.prior} is not here", at="/prior")
            _check_follows(event, before.event)
            self._following.setdefault(event.prior, []).append(event.digest)
        self._entries[event.digest] = entry
        self._carried[op_id] = event.digest

    def place(self, op_id: str, position: Position) -> None:
        """Say where the operation of an appended event was finalised; it never moves later."""
        digest = self._carried.get(op_id)
        if digest is not None:
            entry = self._entries[digest]
            self._entries[digest] = replace(entry, position=_earlier(entry.position, position))

    def resolve(self, did: str, at_index: int | None = None) -> KeyState:
        """Return the state of an identity by the events at leaves up to `at_index`, or by all.

        KeyEventError ``unknown-did`` when none of them begins it: also for a DID that names the
        wrong kind of entity, since the kind is inside the digest.
        """
        begun = self._begun.get(Did(did))
        entry = self._entries[begun] if begun else None
        if entry is None or not _is_known(entry, at_index):
            raise KeyEventError("unknown-did", f"no event begins {did!r:.90}")
        first, disputed = entry, False
        while rivals := self._after(entry, at_index):
            standing = _standing(rivals)
            if standing is None:
                disputed = True
                break
            entry = standing
        if first.event.entity is None:
            raise AssertionError("an inception says for whom it is")
        ended = entry.event.kind is EventKind.DEACTIVATION
        return KeyState(
            did=first.event.did,
            entity=first.event.entity,
            owner=first.event.owner,
            index=entry.event.index,
            key=None if ended else entry.event.key,
            next=entry.event.next,
            op_id=entry.op_id,
            disputed=disputed,
        )

    def forks(self, did: str) -> tuple[KeyFork, ...]:
        """Return every fork in the events of an identity, by index and op ids."""
        found = []
        for prior in self._following:
            entry = self._entries[prior]
            rivals = self._after(entry, None)
            if entry.event.did == did and len(rivals) > 1:
                standing = _standing(rivals)
                found.append(
                    KeyFork(
                        did=entry.event.did,
                        index=entry.event.index + 1,
                        op_ids=tuple(sorted(rival.op_id for rival in rivals)),
                        standing=standing.op_id if standing else None,
                    )
                )
        return tuple(sorted(found, key=lambda fork: (fork.index, fork.op_ids)))

    def _after(self, entry: _Entry, at_index: int | None) -> list[_Entry]:
        digests = self._following.get(entry.event.digest, ())
        followers = (self._entries[digest] for digest in digests)
        return [follower for follower in followers if _is_known(follower, at_index)]


def _check_follows(event: KeyEvent, before: KeyEvent) -> None:
    if event.did != before.did:
        raise KeyEventError("wrong-did", f"the event before belongs to {before.did}", at="/did")
    if event.index != before.index + 1:
        raise KeyEventError("bad-index", f"{before.index + 1} is next", at="/index")
    if before.kind is EventKind.DEACTIVATION:
        raise KeyEventError("deactivated", f"{before.did} has ended", at="/prior")
    key_id = event.key.key_id
    if before.next is not None:
        promised = next_key_digest(key_id) == before.next
    else:
        promised = event.kind is EventKind.DEACTIVATION and key_id == before.key.key_id
    if not promised:
        message = f"{key_id} is not the key that was promised"
        raise KeyEventError("not-pre-rotated", message, at="/key/id")


def _joined(one: _Entry, other: _Entry) -> _Entry:
    """Return what is known of an event that two operations carry: the first, and the earliest."""
    first = min(one, other, key=lambda entry: (entry.index, entry.op_id))
    return replace(first, position=_earlier(one.position, other.position))


def _earlier(one: Position | None, other: Position | None) -> Position | None:
    placed = [position for position in (one, other) if position is not None]
    return min(placed, default=None)


def _is_known(entry: _Entry, at_index: int | None) -> bool:
    return at_index is None or entry.index <= at_index


def _standing(rivals: list[_Entry]) -> _Entry | None:
    """Return the only event, or of several the one with the smallest position, if any has one."""
    if len(rivals) == 1:
        return rivals[0]
    placed = [
        (rival.position, rival.op_id, rival) for rival in rivals if rival.position is not None
    ]
    return min(placed, key=lambda each: each[:2])[2] if placed else None
