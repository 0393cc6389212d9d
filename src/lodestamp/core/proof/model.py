"""The values of a proof file, one per section (transparency spec §9).

A value holds what its section says and nothing derived from it: every hash of a later leg is
recomputed from an earlier one (R69). Operations stay JSON objects here, because whether one is an
operation at all is the ``operation`` leg's question, not the format's.

>>> Log(origin="log.example", index=0, size=1, path=b"").as_json()
{'origin': 'log.example', 'index': 0, 'size': 1, 'path': ''}
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lodestamp.core.bitcoin import BlockHeader
from lodestamp.core.encoding import Cid, JsonObject, base64_encode
from lodestamp.core.operations import CHAIN_MAX
from lodestamp.core.proof.run import expand_run
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

    def run(self) -> tuple[BlockHeader, ...]:
        """Return its headers, the attested one first; none while it is pending.

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
