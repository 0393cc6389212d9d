"""The keys that a proof carries: key operations, folded into who spoke for whom (K8-K11).

A file does not say at which leaf each of them stands. It carries the history up to the subject, so
the key in force at its end speaks for the DID in the subject. A key that was in force before it may
have acted while it was; when, only the log knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import orjson

from lodestamp.core.encoding import JsonObject
from lodestamp.core.keys import KeyEvent, KeyId, KeyLog, PublicKey, is_did
from lodestamp.core.operations import Operation, parse_op, verify_op
from lodestamp.errors import CapError, OpError


@dataclass(frozen=True, slots=True)
class Identity:
    """What the carried events say of a DID: the key in force at their end, and all they show."""

    in_force: KeyId | None
    shown: frozenset[KeyId]


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """Carried public keys by their ids, and identities by their DIDs."""

    keys: Mapping[KeyId, PublicKey]
    identities: Mapping[str, Identity]

    @classmethod
    def read(cls, wires: Iterable[JsonObject]) -> Self:
        """Fold wire objects of ``key`` operations.

        EncodingError, OpError or SignatureError as `parse_op` and `verify_op`; OpError ``bad-type``
        for another type and ``bad-order`` unless they ascend by DID, index and op id; KeyEventError
        when an event does not follow the one before it.
        """
        log = KeyLog()
        keys: dict[KeyId, PublicKey] = {}
        shown: dict[str, set[KeyId]] = {}
        last = ("", 0, "")
        for at, wire in enumerate(wires):
            op = parse_op(orjson.dumps(wire))
            if op.type != "key":
                raise OpError("bad-type", f"no key operation: {op.op_id}", at="/type")
            verify_op(op)
            event, order = KeyEvent.parse(op.body["event"]), key_order(op)
            if order <= last:
                raise OpError("bad-order", "key operations ascend by DID and index, each once")
            last = order
            log.append(event, op.op_id, at)
            keys[event.key.key_id] = event.key
            shown.setdefault(event.did, set()).add(event.key.key_id)
        identities = {}
        for did, ids in shown.items():
            key = log.resolve(did).key
            identities[did] = Identity(key.key_id if key else None, frozenset(ids))
        return cls(keys, identities)

    def dids_of(self, key_id: KeyId) -> list[str]:
        """Return the DIDs for which this key is in force at the end of what is carried."""
        return [did for did, each in self.identities.items() if each.in_force == key_id]

    def speaks_for(self, key_id: KeyId, principal: str, former: set[KeyId]) -> bool:
        """Tell whether a key is this principal, or by the carried events a key of this DID.

        One that is not in force at their end is put into `former`. CapError ``key-unknown`` when no
        event of the DID is carried.
        """
        if not is_did(principal):
            return key_id == principal
        identity = self.identities.get(principal)
        if identity is None:
            raise CapError("key-unknown", f"no key event of {principal} is carried")
        if key_id in identity.shown and key_id != identity.in_force:
            former.add(key_id)
        return key_id in identity.shown


def key_order(op: Operation) -> tuple[str, int, str]:
    """Return what carried key operations are sorted by: DID, index of the event, op id."""
    event = KeyEvent.parse(op.body["event"])
    return event.did, event.index, op.op_id
