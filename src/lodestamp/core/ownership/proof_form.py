"""The file of an ownership proof: its values, its one byte string, its limits (R47).

A closed object in canonical JSON (RFC 8785); binary values are base64 with padding, scripts as keys
are hex, hashes of transactions are as people write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lodestamp.core.bitcoin import (
    BRANCH_LENGTH_MAX,
    BlockHeader,
    Transaction,
    TxOut,
)
from lodestamp.core.encoding import JsonObject, JsonValue, base64_encode, canonical_json
from lodestamp.core.ownership.effects import Owner
from lodestamp.core.ownership.read_back import Kind
from lodestamp.core.ownership.rules import Rules
from lodestamp.errors import LimitExceeded, ProofMalformed

OWNERSHIP_PROOF_TYPE: Final = "application/vnd.lodestamp.ownership+json"
"""The media type of the file."""
OWNERSHIP_PROOF_SIZE_MAX: Final = 4 << 20
"""Bytes of a file: half a year of headers and hundreds of operations."""
PROOF_HEADERS_MAX: Final = 30_000
"""Headers of a full run, 2.4 MB: half a year of blocks."""
PROOF_VERSION: Final = 1

Mode = Literal["full", "sparse"]


@dataclass(frozen=True, slots=True)
class ProofPart:
    """A transaction, with witnesses, and its place: height, index in the block, and branch.

    `branch` are the siblings up to the block's Merkle root, lowest first, 32 bytes each.
    """

    tx: Transaction
    height: int
    index: int
    branch: tuple[bytes, ...]

    def as_json(self) -> JsonObject:
        """Return the object that is written."""
        return {
            "branch": base64_encode(b"".join(self.branch)),
            "height": self.height,
            "index": self.index,
            "raw": base64_encode(self.tx.encode()),
        }


@dataclass(frozen=True, slots=True)
class ProofOp:
    """One operation or flow: the primary first, then what carries its later payloads.

    `prevouts` are what the primary spends, in input order; None where no signature needs them.
    """

    kind: Kind
    parts: tuple[ProofPart, ...]
    prevouts: tuple[TxOut, ...] | None = None

    @property
    def primary(self) -> ProofPart:
        """The transaction whose inputs sign the operation."""
        return self.parts[0]

    def as_json(self) -> JsonObject:
        """Return the object that is written."""
        parts: list[JsonValue] = [part.as_json() for part in self.parts]
        prevouts: list[JsonValue] | None = None
        if self.prevouts is not None:
            prevouts = [
                {"amount": each.amount, "script": base64_encode(each.script)}
                for each in self.prevouts
            ]
        return {
            "height": self.primary.height,
            "index": self.primary.index,
            "kind": self.kind,
            "parts": parts,
            "prevouts": prevouts,
            "txid": self.primary.tx.txid_display,
        }


@dataclass(frozen=True, slots=True)
class ProofHeaders:
    """Headers: `full`, all from height `first` to the proof's; `sparse`, those of the parts alone.

    Sparse ones stand in the order of their heights, the first of which is `first`.
    """

    mode: Mode
    first: int
    headers: tuple[BlockHeader, ...]

    def as_json(self) -> JsonObject:
        """Return the object that is written."""
        encoded = b"".join(each.encode() for each in self.headers)
        return {"data": base64_encode(encoded), "first": self.first, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a proof says: who registered the work, and who holds how much of it at its height.

    `balances_hash` is R26's over this work's table alone; `state_hash` is that of the writer's
    scan at the height, which only another scan can be held against.
    """

    registrant: Owner
    cap_table: Mapping[Owner, int]
    balances_hash: bytes
    state_hash: bytes

    def as_json(self) -> JsonObject:
        """Return the object that is written."""
        return {
            "balances_hash": self.balances_hash.hex(),
            "cap_table": {owner.hex(): amount for owner, amount in self.cap_table.items()},
            "registrant": self.registrant.hex(),
            "state_hash": self.state_hash.hex(),
        }


@dataclass(frozen=True, slots=True)
class OwnershipProof:
    """Operations of one work up to a height, where they stand in blocks, and what follows."""

    rules: Rules
    sha1: str
    height: int
    headers: ProofHeaders
    ops: tuple[ProofOp, ...]
    claim: Claim

    def __post_init__(self) -> None:
        _require_shape(self)

    def encode(self) -> bytes:
        """Return the file; LimitExceeded above `OWNERSHIP_PROOF_SIZE_MAX`."""
        ops: list[JsonValue] = [op.as_json() for op in self.ops]
        encoded = canonical_json(
            {
                "claim": self.claim.as_json(),
                "headers": self.headers.as_json(),
                "height": self.height,
                "network": self.rules.network,
                "ops": ops,
                "rules": self.rules.fields(),
                "sha1": self.sha1,
                "v": PROOF_VERSION,
            }
        )
        if len(encoded) > OWNERSHIP_PROOF_SIZE_MAX:
            raise LimitExceeded("the ownership proof", OWNERSHIP_PROOF_SIZE_MAX, len(encoded))
        return encoded

    def headers_used(self) -> dict[int, BlockHeader]:
        """Return the header of each height that has a part."""
        heights, headers = self.heights(), self.headers
        if headers.mode == "full":
            return {height: headers.headers[height - headers.first] for height in heights}
        return dict(zip(heights, headers.headers, strict=True))

    def heights(self) -> list[int]:
        """Return the heights of all parts, each once, lowest first."""
        return sorted({part.height for op in self.ops for part in op.parts})


def _require_shape(proof: OwnershipProof) -> None:
    """Hold the counts and heights of a proof against each other."""
    if not proof.ops or any(not op.parts for op in proof.ops):
        raise ProofMalformed("it proves no operation", at="/ops")
    heights, headers = proof.heights(), proof.headers
    if headers.first != heights[0]:
        raise ProofMalformed("the headers do not begin with the first part", at="/headers/first")
    if heights[-1] > proof.height:
        raise ProofMalformed("an operation lies above the height", at="/ops")
    due = proof.height - headers.first + 1 if headers.mode == "full" else len(heights)
    if len(headers.headers) != due:
        message = f"{len(headers.headers):,} headers where {due:,} are due"
        raise ProofMalformed(message, at="/headers/data")
    if due > PROOF_HEADERS_MAX:
        raise ProofMalformed(f"more than {PROOF_HEADERS_MAX:,} headers", at="/headers/data")
    if any(len(part.branch) > BRANCH_LENGTH_MAX for op in proof.ops for part in op.parts):
        raise ProofMalformed(f"a branch of more than {BRANCH_LENGTH_MAX} siblings", at="/ops")
