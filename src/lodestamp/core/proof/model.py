"""The values of a proof file, one per section (transparency spec §9).

A value holds what its section says and nothing derived from it: every hash of a later leg is
recomputed from an earlier one (R69). Operations stay JSON objects here, because whether one is an
operation at all is the ``operation`` leg's question, not the format's.

>>> Log(origin="log.example", index=0, size=1, path=b"").as_json()
{'origin': 'log.example', 'index': 0, 'size': 1, 'path': ''}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import Cid, JsonObject, base64_encode
from lodestamp.core.operations import CHAIN_MAX
from lodestamp.core.transparency import VerifierKey

PROOF_SIZE_MAX: Final = 4 << 20
"""Bytes of a proof file: sixteen operations of the largest size, or a thousand usual ones (D13)."""
PROOF_DEPTH_MAX: Final = 40
"""Open containers: an operation may open 32, and stands in at most three others."""
DISCLOSED_MAX: Final = 1_024
"""Disclosed operations: as many as a claim may name as its sources (D13)."""
ANCHORS_MAX: Final = 8
"""Anchors of one proof (transparency spec §9)."""
REQUIRES_MAX: Final = 64
"""Feature names of one proof: far more than version 1, which has none, will ever see."""
VKEYS_MAX: Final = 64
"""Carried keys: as many as a note may have signatures (transparency spec R13)."""

GRANTS_MAX: Final = CHAIN_MAX
"""Carried grants: as many as a chain of capabilities has links."""
KEY_EVENTS_MAX: Final = 256
"""Carried key operations: forty changes of key for each of the six principals of a chain."""

SKIPS_MAX: Final = 32
"""Light blocks of a ledger section, as the ledger bounds a walk from one trusted set to another."""
CHAIN_TRANSACTIONS_MAX: Final = 4_096
"""Carried transactions of a chain of states: three years of one every six hours, 2 MB."""
NETWORKS: Final = ("main", "testnet4", "signet", "regtest")
"""Bitcoin networks that an anchor may name (transparency spec §9)."""

MEDIA_TYPE: Final = "application/vnd.lodestamp.proof+json"
EXTENSION: Final = ".proof.json"

LEGS: Final = (
    "format",
    "operation",
    "content",
    "authority",
    "log",
    "checkpoint",
    "witnesses",
    "ledger",
    "time",
)
"""The legs of a verdict, in the order in which it lists them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The operation the proof is about, and the ancestors its author discloses (wire objects)."""

    operation: JsonObject
    disclosed: tuple[JsonObject, ...] = ()

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file."""
        return {"operation": self.operation, "disclosed": list(self.disclosed)}


@dataclass(frozen=True, slots=True)
class Content:
    """The content the operation speaks of: root CID, import profile, length in bytes."""

    cid: Cid
    profile: str
    size: int

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file."""
        return {"cid": str(self.cid), "profile": self.profile, "size": self.size}


@dataclass(frozen=True, slots=True)
class AuthorityState:
    """A log's signed word for every status in it, and the path from the subject's to that word.

    `note` is the signed state note, verbatim; `index` the place of the leaf, which is the subject's
    digest and its status byte; `path` as in `Log`.
    """

    note: str
    index: int
    path: bytes

    def as_json(self) -> JsonObject:
        """Return the object as it stands in the file."""
        return {"note": self.note, "index": self.index, "path": base64_encode(self.path)}


@dataclass(frozen=True, slots=True)
class Authority:
    """By what right the author acted: grants, root first, key operations, the log's word.

    The grants are those of the chain whose last capability the subject names; the key operations
    ascend by DID, index of their event and op id. Both are wire objects.
    """

    grants: tuple[JsonObject, ...] = ()
    keys: tuple[JsonObject, ...] = ()
    state: AuthorityState | None = None

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file; what is empty is left out."""
        section: JsonObject = {}
        for name, wires in (("grants", self.grants), ("keys", self.keys)):
            if wires:
                section[name] = list(wires)
        if self.state is not None:
            section["state"] = self.state.as_json()
        return section


@dataclass(frozen=True, slots=True)
class Log:
    """The operation's place in a log; `path` is the 32-byte hashes from leaf to root, joined."""

    origin: str
    index: int
    size: int
    path: bytes

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file."""
        return {
            "origin": self.origin,
            "index": self.index,
            "size": self.size,
            "path": base64_encode(self.path),
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed note, verbatim, and the keys of its signers, ascending by their text."""

    note: str
    vkeys: tuple[VerifierKey, ...]

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file."""
        return {"note": self.note, "vkeys": [vkey.text() for vkey in self.vkeys]}


@dataclass(frozen=True, slots=True)
class LedgerResult:
    """What became of the transaction: a code, bytes, and the path to the root of all results."""

    code: int
    returned: bytes
    path: bytes

    def as_json(self) -> JsonObject:
        """Return the object as it stands in the file."""
        return {
            "code": self.code,
            "data": base64_encode(self.returned),
            "path": base64_encode(self.path),
        }


@dataclass(frozen=True, slots=True)
class Ledger:
    """The block of a ledger that ordered the checkpoint, and its certificate (ledger spec R42).

    Header, certificate and light blocks stay JSON objects: they are the ledger's to read.
    """

    engine: str
    chain: str
    height: int
    transaction: bytes
    index: int
    count: int
    path: bytes
    header: JsonObject
    finality: JsonObject
    result: LedgerResult | None = None
    skips: tuple[JsonObject, ...] = ()

    def as_json(self) -> JsonObject:
        """Return the section as it stands in the file; what is empty is left out."""
        section: JsonObject = {
            "engine": self.engine,
            "chain": self.chain,
            "height": self.height,
            "transaction": base64_encode(self.transaction),
            "index": self.index,
            "count": self.count,
            "path": base64_encode(self.path),
            "header": self.header,
            "finality": self.finality,
        }
        if self.result is not None:
            section["result"] = self.result.as_json()
        if self.skips:
            section["skips"] = list(self.skips)
        return section
