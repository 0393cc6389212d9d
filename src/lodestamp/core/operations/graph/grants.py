"""Every capability that a log grants, and what is said of each (operations spec §5, S21, S24)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from lodestamp.core.keys import KeyId, Keys
from lodestamp.core.operations.caps import Cap, parse_cap, verify_cap
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.limits import CHAIN_MAX
from lodestamp.errors import CapError


@dataclass(slots=True)
class Granted:
    """A capability, the grants that carry it, and who speaks of it."""

    cap: Cap | None = None
    """The document whose id this is; it is one, for the id is the address of it."""
    grants: list[int] = field(default_factory=list)
    revocations: list[int] = field(default_factory=list)
    attestations: list[int] = field(default_factory=list)
    receipts: list[int] = field(default_factory=list)
    acting: array[int] = field(default_factory=lambda: array("I"))
    """The operations under it."""
    narrower: set[str] = field(default_factory=set)
    """The ids of the capabilities that were cut from it."""

    @property
    def speaking(self) -> set[int]:
        """Every operation whose standing may depend on this capability."""
        return {
            *self.grants, *self.revocations, *self.attestations, *self.receipts, *self.acting,
        }  # fmt: skip


class Grants:
    """The capabilities of a log by their ids."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._granted: dict[str, Granted] = {}
        self.principals: set[str] = set()
        """Every audience and subject."""
        self._carried: dict[int, tuple[Cap, str]] = {}
        self._waiting: dict[KeyId, set[str]] = {}
        """By issuer the capabilities whose fault is that its key is unknown."""

    def add(self, index: int, op: Operation) -> str | None:
        """Note an operation that speaks of a capability; return that capability's id.

        None for an operation that does not, and for a grant that carries another's id.
        """
        if op.type == "grant":
            cap = parse_cap(op.body["cap"])
            fault = _fault(cap, self._keys)
            self._carried[index] = cap, fault
            if fault == "cap-id-mismatch":
                return None
            if fault == "key-unknown":
                self._waiting.setdefault(cap.issuer, set()).add(cap.cap_id)
            granted = self.of(cap.cap_id)
            granted.cap = cap
            self.principals.update((cap.audience, cap.subject))
            granted.grants.append(index)
            if cap.parent is not None:
                self.of(cap.parent).narrower.add(cap.cap_id)
            return cap.cap_id
        cap_id = op.body.get("cap_id")
        if not isinstance(cap_id, str):
            return None
        granted = self.of(cap_id)
        lists = {
            "revocation": granted.revocations,
            "attestation": granted.attestations,
            "receipt": granted.receipts,
        }
        lists[op.type].append(index)
        return cap_id

    def carried(self, index: int) -> tuple[Cap, str]:
        """Return what a grant carries, and what is wrong with that taken alone: a code or ``""``.

        A key that was unknown is looked for again.
        """
        cap, fault = self._carried[index]
        if fault == "key-unknown":
            fault = _fault(cap, self._keys)
            self._carried[index] = cap, fault
            if fault != "key-unknown":
                self._waiting[cap.issuer].discard(cap.cap_id)
        return cap, fault

    def waiting_for(self, key_id: KeyId) -> set[str]:
        """Return the capabilities whose issuer's key was not at hand, if it is this one."""
        return self._waiting.get(key_id, set()).copy()

    def of(self, cap_id: str) -> Granted:
        """Return what is known of a capability, which may be nothing yet."""
        return self._granted.setdefault(cap_id, Granted())

    def carrying(self, cap_id: str) -> list[int]:
        """Return the grants that carry a capability; none when it is not known."""
        granted = self._granted.get(cap_id)
        return [] if granted is None else granted.grants

    def chain(self, cap_id: str) -> list[Granted]:
        """Return a capability and those above it, itself first, as far as they are known.

        At most one link more than a chain may have.
        """
        links: list[Granted] = []
        name: str | None = cap_id
        while name is not None and len(links) <= CHAIN_MAX:
            granted = self._granted.get(name)
            if granted is None or granted.cap is None:
                break
            links.append(granted)
            name = granted.cap.parent
        return links

    def below(self, cap_id: str) -> set[str]:
        """Return a capability and everything cut from it."""
        found = {cap_id}
        waiting = [cap_id]
        while waiting:
            granted = self._granted.get(waiting.pop())
            if granted is not None:
                fresh = granted.narrower - found
                found |= fresh
                waiting += fresh
        return found


def _fault(cap: Cap, keys: Keys) -> str:
    try:
        verify_cap(cap, keys)
    except CapError as error:
        return error.code
    return ""
