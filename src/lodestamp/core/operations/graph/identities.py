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
        self._events: dict[str, KeyEvent] = {}
        self._carriers: dict[str, list[int]] = {}
        """Each event by its digest, and the leaves that carry it."""
        self._begun: dict[str, str] = {}
        self._after: dict[tuple[str, str], list[str]] = {}
        """The events after one, by its digest and the digest of the key that they are by."""
        self._linked: dict[str, dict[str, None]] = {}
        """For each DID the events that were promised, from its beginning on."""
        self._highest: dict[str, int] = {}
        """For each DID the greatest index among these."""
        self._dids: dict[KeyId, set[str]] = {}
        self.keys: dict[KeyId, PublicKey] = {}
        """The public key of each key id that an event carries."""

    def add(self, index: int, event: KeyEvent) -> bool:
        """Note the event of the ``key`` operation at this leaf.

        Return whether others of its DID may stand otherwise now: it came beside or before them.
        What nobody promised does nothing to any of them, and costs nothing.
        """
        self._dids.setdefault(event.key.key_id, set()).add(event.did)
        self.keys[event.key.key_id] = event.key
        self._carriers.setdefault(event.digest, []).append(index)
        if event.digest not in self._events:
            self._events[event.digest] = event
            if event.prior is None:
                self._begun[event.did] = event.digest
            else:
                by = next_key_digest(event.key.key_id)
                self._after.setdefault((event.prior, by), []).append(event.digest)
        return self._link(event)

    def _link(self, event: KeyEvent) -> bool:
        linked = self._linked.setdefault(event.did, {})
        if event.digest in linked:
            return True
        last = None if event.prior is None else self._events.get(event.prior)
        if not _follows(last, event) or (last is not None and last.digest not in linked):
            return False
        highest = self._highest.get(event.did, -1)
        waiting = [event]
        while waiting:
            each = waiting.pop()
            linked[each.digest] = None
            self._highest[event.did] = max(self._highest.get(event.did, -1), each.index)
            waiting += self._followers(each)
        return event.index <= highest or next(reversed(linked)) != event.digest

    def _followers(self, last: KeyEvent) -> list[KeyEvent]:
        """Return every event that may stand after this one."""
        promised = last.next or next_key_digest(last.key.key_id)
        after = map(self._events.__getitem__, self._after.get((last.digest, promised), ()))
        return [event for event in after if _follows(last, event)]

    def dids_of(self, key_id: KeyId) -> set[str]:
        """Return the DIDs in whose events a key occurs."""
        return self._dids.get(key_id, set())

    def leaves_of(self, did: str) -> list[int]:
        """Return the leaves of a DID's events, without those that nobody promised."""
        return [leaf for digest in self._linked.get(did, ()) for leaf in self._carriers[digest]]

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
        begun = self._begun.get(did)
        rivals = [] if begun is None else [self._events[begun]]
        while rivals:
            held = {
                event.digest: [n for n in self._carriers[event.digest] if horizon.holds(n)]
                for event in rivals
            }
            rivals = [event for event in rivals if held[event.digest]]
            if len(rivals) > 1:
                rivals = _first_placed(rivals, held, horizon)
            if not rivals:
                return
            last = rivals[0]
            yield held[last.digest], last
            rivals = self._followers(last)


def _follows(last: KeyEvent | None, event: KeyEvent) -> bool:
    """Tell whether an event may stand after another, or begin a row (K8)."""
    if last is None:
        return event.kind is EventKind.INCEPTION
    if last.kind is EventKind.DEACTIVATION or event.did != last.did:
        return False
    if event.index != last.index + 1 or event.prior != last.digest:
        return False
    if last.next is None:
        return event.kind is EventKind.DEACTIVATION and event.key == last.key
    return next_key_digest(event.key.key_id) == last.next


def _first_placed(
    rivals: list[KeyEvent], carriers: dict[str, list[int]], horizon: Horizon
) -> list[KeyEvent]:
    """Return the rival with the smallest position; none while none has one."""
    placed = [
        (position[:3], event.digest, event)
        for event in rivals
        for index in carriers[event.digest]
        if (position := horizon.position(index)) is not None
    ]
    return [min(placed, key=lambda each: each[:2])[2]] if placed else []
