"""A spent covenant as one document that a stranger can check (canonical JSON).

It holds the spend, the outputs it spends, every leaf of the tree, and the inclusion of the funding
and of the spend in blocks. What it does not say is that those blocks are on the chain: that is for
`core.bitcoin.assess_run` and its headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from lodestamp.core.bitcoin import (
    BlockHeader,
    Transaction,
    Tree,
    TxInclusion,
    TxOut,
    check_inclusion,
)
from lodestamp.core.covenants.covenant import Covenant, tree_of
from lodestamp.core.covenants.kinds import BATCH_DEPTH_MAX, Kind
from lodestamp.core.covenants.rules import Rules
from lodestamp.core.covenants.verdict import CovenantVerdict, verify_spend
from lodestamp.core.encoding import JsonObject, JsonValue, canonical_json, parse_canonical
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import (
    CovenantError,
    EncodingError,
    MalformedBitcoin,
    MalformedProof,
)

BUNDLE_SIZE_MAX: Final = 1_048_576
"""Bytes of a bundle: twice a transaction that is relayed, in hex, and its two branches."""
LEAVES_MAX: Final = BATCH_DEPTH_MAX + 1
"""Leaves of a tree: one for each length of path."""
FORMAT: Final = "lodestamp-covenant/1"

_FIELDS: Final = frozenset(
    {"format", "funding", "inclusion", "index", "kind", "leaves", "network", "r", "spend", "spent"}
)
_INCLUSION_FIELDS: Final = frozenset({"branch", "header", "index", "tx"})


@dataclass(frozen=True, slots=True)
class ProofBundle:
    """What `verify_bundle` judges; `funding` and `inclusion` are None where they are not known."""

    network: str
    kind: Kind
    leaves: tuple[bytes, ...]
    r: bytes | None
    spend: Transaction
    index: int
    spent: tuple[TxOut, ...]
    funding: TxInclusion | None = None
    inclusion: TxInclusion | None = None

    @property
    def tree(self) -> Tree:
        """The tree of all leaves."""
        return tree_of(self.leaves)

    def encode(self) -> bytes:
        """Return its canonical JSON."""
        return canonical_json(
            {
                "format": FORMAT,
                "funding": _inclusion_json(self.funding),
                "inclusion": _inclusion_json(self.inclusion),
                "index": self.index,
                "kind": str(self.kind),
                "leaves": [each.hex() for each in self.leaves],
                "network": self.network,
                "r": None if self.r is None else self.r.hex(),
                "spend": self.spend.encode().hex(),
                "spent": [each.encode().hex() for each in self.spent],
            }
        )


def proof_bundle(
    cov: Covenant,
    spend: Transaction,
    spent: Sequence[TxOut],
    *,
    network: str,
    index: int = 0,
    funding: TxInclusion | None = None,
    inclusion: TxInclusion | None = None,
) -> ProofBundle:
    """Join what shows that a covenant's coin was spent as it demands."""
    return ProofBundle(
        network, cov.kind, cov.leaves, cov.r, spend, index, tuple(spent), funding, inclusion
    )


def decode_bundle(encoded: bytes) -> ProofBundle:
    """Parse a bundle; CovenantError ``bundle`` for anything that `encode` would not write."""
    try:
        document = parse_canonical(encoded, size_max=BUNDLE_SIZE_MAX)
        if set(document) != _FIELDS:
            _refuse("it has other fields")
        bundle = _read(document)
    except (EncodingError, MalformedBitcoin, ValueError, TypeError) as error:
        _refuse(str(error))
    if bundle.encode() != encoded:
        _refuse("it is not in its one form")
    return bundle


def verify_bundle(bundle: ProofBundle, rules: Rules) -> CovenantVerdict:
    """Judge the spend of a bundle, and that both its transactions are in blocks.

    Beside the legs of `verify_spend`: ``funding`` and ``inclusion``, unknown where they are not
    carried. UsageError where the index does not fit the transaction.
    """
    found = verify_spend(
        bundle.spend, bundle.index, bundle.spent, rules, r=bundle.r, tree=bundle.tree
    )
    legs = (*found.legs, _judge_funding(bundle), _judge_inclusion(bundle))
    if found.covenant is not None and found.covenant.kind is not bundle.kind:
        named = Leg.refuted("leaf_recognised", "other-kind", f"the bundle says {bundle.kind}")
        legs = tuple(named if leg.name == named.name else leg for leg in legs)
    return replace(found, joined=Verdict.of(legs))


def _judge_funding(bundle: ProofBundle) -> Leg:
    name = "funding"
    if bundle.funding is None:
        return Leg.unknown(name, "not_carried", "no inclusion of the funding is carried")
    prevout = bundle.spend.inputs[bundle.index].prevout
    try:
        tx = check_inclusion(bundle.funding)
    except MalformedProof as error:
        return Leg.refuted(name, error.code, error.message)
    is_there = prevout.vout < len(tx.outputs)
    if (
        tx.txid != prevout.txid
        or not is_there
        or tx.outputs[prevout.vout] != bundle.spent[bundle.index]
    ):
        return Leg.refuted(name, "other-coin", "the spend does not spend this transaction's coin")
    return _included(name, bundle.funding)


def _judge_inclusion(bundle: ProofBundle) -> Leg:
    name = "inclusion"
    if bundle.inclusion is None:
        return Leg.unknown(name, "not_carried", "no inclusion of the spend is carried")
    try:
        tx = check_inclusion(bundle.inclusion)
    except MalformedProof as error:
        return Leg.refuted(name, error.code, error.message)
    if tx.txid != bundle.spend.txid:
        return Leg.refuted(name, "other-spend", "the inclusion is of another transaction")
    return _included(name, bundle.inclusion)


def _included(name: str, inclusion: TxInclusion) -> Leg:
    basis = "in the block of this header; the header itself is not judged here"
    return Leg(
        name, Status.ESTABLISHED, basis=basis, facts={"header": inclusion.header.hash_display}
    )


def _inclusion_json(inclusion: TxInclusion | None) -> JsonValue:
    if inclusion is None:
        return None
    return {
        "branch": [each.hex() for each in inclusion.branch],
        "header": inclusion.header.encode().hex(),
        "index": inclusion.index,
        "tx": inclusion.tx_stripped.hex(),
    }


def _read(document: JsonObject) -> ProofBundle:
    if document["format"] != FORMAT:
        _refuse("it is of another format")
    leaves = tuple(_hex(each) for each in _list(document["leaves"]))
    spent = tuple(TxOut.decode(_hex(each)) for each in _list(document["spent"]))
    spend = Transaction.decode(_hex(document["spend"]))
    index = _int(document["index"])
    if (
        not 1 <= len(leaves) <= LEAVES_MAX
        or len(spent) != len(spend.inputs)
        or not 0 <= index < len(spend.inputs)
    ):
        _refuse("leaves, spent outputs or index do not fit the spend")
    network = document["network"]
    if not isinstance(network, str):
        _refuse("the network is no text")
    return ProofBundle(
        network,
        Kind(str(document["kind"])),
        leaves,
        None if document["r"] is None else _hex(document["r"]),
        spend,
        index,
        spent,
        _read_inclusion(document["funding"]),
        _read_inclusion(document["inclusion"]),
    )


def _read_inclusion(value: JsonValue) -> TxInclusion | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != _INCLUSION_FIELDS:
        _refuse("an inclusion has other fields")
    return TxInclusion(
        _hex(value["tx"]),
        _int(value["index"]),
        tuple(_hex(each) for each in _list(value["branch"])),
        BlockHeader.decode(_hex(value["header"])),
    )


def _hex(value: JsonValue) -> bytes:
    if not isinstance(value, str):
        _refuse("bytes are written as hex")
    return bytes.fromhex(value)


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else _refuse("a list is missing")


def _int(value: JsonValue) -> int:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    return value if is_int and isinstance(value, int) else _refuse("a number is missing")


def _refuse(why: str) -> NoReturn:
    raise CovenantError(f"the bundle cannot be read: {why}", code="bundle")
