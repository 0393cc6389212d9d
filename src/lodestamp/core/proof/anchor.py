"""Anchors: traces of a checkpoint in Bitcoin, as values (transparency spec §9, R41).

What is anchored is the `anchor_digest` of a checkpoint: it binds the log, its size and its root.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lodestamp.core.encoding import JsonObject, base64_encode
from lodestamp.core.proof.run import expand_run
from lodestamp.core.timestamps import anchor_digest

__all__ = [
    "Anchor",
    "AnchorChain",
    "AnchorCovenant",
    "AnchorKind",
    "anchor_digest",
]


class AnchorKind(StrEnum):
    """How a checkpoint came into a block."""

    OTS = "ots"
    """By OpenTimestamps operations alone."""
    CHAIN = "chain"
    """By a transaction that a covenant makes one in a chain of states (R65)."""


@dataclass(frozen=True, slots=True)
class AnchorCovenant:
    """The chain of states up to the one before: leaf of its covenant, transactions, batch roots.

    `r` blinds the internal key, 32 bytes, None for the plain one. `transactions` are without
    witnesses, from the genesis to the one that published the state before; `roots` are the batch
    roots of those after the genesis. The transaction they lead to stands in the anchor's path.
    """

    leaf: bytes
    transactions: tuple[bytes, ...]
    roots: tuple[bytes, ...] = ()
    r: bytes | None = None

    def as_json(self) -> JsonObject:
        """Return the object as it stands in the file."""
        section: JsonObject = {
            "leaf": base64_encode(self.leaf),
            "roots": [base64_encode(each) for each in self.roots],
            "transactions": [base64_encode(each) for each in self.transactions],
        }
        if self.r is not None:
            section["r"] = base64_encode(self.r)
        return section


@dataclass(frozen=True, slots=True)
class AnchorChain:
    """What an anchor of the kind `chain` says beside its path.

    `genesis_txid` is in internal byte order (the file has it as people write it), `state_before`
    32 bytes.
    """

    genesis_txid: bytes
    state_before: bytes
    covenant: AnchorCovenant

    def as_json(self) -> JsonObject:
        """Return the object as it stands in the file."""
        return {
            "genesis_txid": self.genesis_txid[::-1].hex(),
            "state_before": base64_encode(self.state_before),
            "covenant": self.covenant.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Anchor:
    """A trace of the checkpoint in Bitcoin, or on its way there.

    `ots` is a bare OpenTimestamps timestamp on the checkpoint's anchor digest. `height` is that of
    the attested block and `headers` a run that begins with it, in the form of `compress_run`; both
    are None while it is pending. `chain` comes with its kind.
    """

    kind: AnchorKind
    network: str
    ots: bytes
    height: int | None = None
    headers: bytes | None = None
    chain: AnchorChain | None = None

    @property
    def order(self) -> tuple[str, int, bytes]:
        """What anchors of a proof ascend by: network, height (pending ones first), path."""
        return self.network, -1 if self.height is None else self.height, self.ots

    def run(self) -> tuple[bytes, ...]:
        """Return its headers, 80 bytes each, the attested one first; none while it is pending.

        MalformedBlock or LimitExceeded where `headers` are no run.
        """
        return () if self.headers is None else expand_run(self.headers)

    def as_json(self) -> JsonObject:
        """Return the anchor as it stands in the file."""
        section: JsonObject = {
            "kind": str(self.kind),
            "network": self.network,
            "ots": base64_encode(self.ots),
        }
        if self.height is not None:
            section["height"] = self.height
        if self.headers is not None:
            section["headers"] = base64_encode(self.headers)
        if self.chain is not None:
            section["chain"] = self.chain.as_json()
        return section
