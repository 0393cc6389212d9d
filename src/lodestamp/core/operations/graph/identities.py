"""Which key speaks for an identity at an operation (operations spec K8, K9).

The key events of a DID make a row: each has the index after the last, names its digest, and is
signed by the key that the last one promised. A second event that could stand in the same place is a
fork: of those with a position the one with the smallest stands, and while none has one the row ends
before them. An event acts on the operations that have it in their past, and on those that the
ledger placed later; what it acts on it governs until the next one acts too.
"""

from __future__ import annotations

from collections.abc import Iterator

from lodestamp.core.keys import EventKind, KeyEvent, KeyId, PublicKey, is_did, next_key_digest
from lodestamp.core.operations.graph.horizon import Horizon


class Identities:
    """Every key event of a log, by DID, and the keys that they show."""

    def __init__(self, horizon: Horizon) -> None:
        self._whole = horizon
        self._events: dict[str, list[tuple[int, KeyEvent]]] = {}
        self._dids: dict[KeyId, set[str]] = {}
        self.keys: dict[KeyId, PublicKey] = {}
        """The public key of each key id that an event carries."""

    def add(self, index: int, event: KeyEvent) -> None:
        """Note the event of the ``key`` operation at this leaf."""
        self._events.setdefault(event.did, []).append((index, event))
        self._dids.setdefault(event.key.key_id, set()).add(event.did)
        self.keys[event.key.key_id] = event.key

    def dids_of(self, key_id: KeyId) -> set[str]:
        """Return the DIDs in whose events a key occurs."""
        return self._dids.get(key_id, set())

    def leaves_of(self, did: str) -> list[int]:
        """Return the leaves of a DID's events, in the order they were noted."""
        return [index for index, _ in self._events.get(did, ())]

    def stands(self, index: int, event: KeyEvent) -> bool:
        """Tell whether the event at this leaf is in the row of its DID (K8)."""
        return any(index in leaves for leaves, _ in self._row(event.did, self._whole))

    def in_force(self, did: str, at: int, horizon: Horizon) -> KeyId | None:
        """Return the key that speaks for a DID in the operation at leaf `at`, or None."""
        governing = None
        for leaves, event in self._row(did, horizon):
            if not any(leaf == at or horizon.acts(leaf, at) for leaf in leaves):
                break
            governing = event
        if governing is None or governing.kind is EventKind.DEACTIVATION:
            return None
        return governing.key.key_id

    def speaks_for(self, key_id: KeyId, principal: str, at: int, horizon: Horizon) -> bool:
        """Tell whether a key is a principal, or speaks for it in the operation at leaf `at`."""
        if not is_did(principal):
            return key_id == principal
        return self.in_force(principal, at, horizon) == key_id

    def _row(self, did: str, horizon: Horizon) -> Iterator[tuple[list[int], KeyEvent]]:
        """Yield each event that stands, with the operations that carry it."""
        carriers: dict[str, list[int]] = {}
        events: dict[str, KeyEvent] = {}
        for index, event in self._events.get(did, ()):
            if horizon.holds(index):
                carriers.setdefault(event.digest, []).append(index)
                events[event.digest] = event
        last: KeyEvent | None = None
        while True:
            rivals = [digest for digest, event in events.items() if _follows(last, event)]
            if len(rivals) > 1:
                rivals = _first_placed(rivals, carriers, horizon)
            if not rivals:
                return
            last = events[rivals[0]]
            yield carriers[rivals[0]], last


def _follows(last: KeyEvent | None, event: KeyEvent) -> bool:
    """Tell whether an event may stand after another, or begin a row (K8)."""
    if last is None:
        return event.kind is EventKind.INCEPTION
    if last.kind is EventKind.DEACTIVATION:
        return False
    if event.index != last.index + 1 or event.prior != last.digest:
        return False
    if last.next is None:
        return event.kind is EventKind.DEACTIVATION and event.key == last.key
    return next_key_digest(event.key.key_id) == last.next


def _first_placed(rivals: list[str], carriers: dict[str, list[int]], horizon: Horizon) -> list[str]:
    """Return the rival with the smallest position; none while none has one."""
    placed = [
        (position[:3], digest)
        for digest in rivals
        for index in carriers[digest]
        if (position := horizon.position(index)) is not None
    ]
    return [min(placed)[1]] if placed else []
