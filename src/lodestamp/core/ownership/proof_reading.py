"""Reading the file of an ownership proof: one accepted byte string per proof (R47)."""

from __future__ import annotations

import re
from typing import Final, TypeVar, cast

from lodestamp.core.bitcoin import HEADER_SIZE, MAX_MONEY, BlockHeader, Transaction, TxOut
from lodestamp.core.encoding import JsonObject, JsonValue, base64_decode, parse_canonical
from lodestamp.core.ownership.effects import ASSET_UNITS, Owner
from lodestamp.core.ownership.proof_form import (
    OWNERSHIP_PROOF_SIZE_MAX,
    PROOF_VERSION,
    Claim,
    Mode,
    OwnershipProof,
    ProofHeaders,
    ProofOp,
    ProofPart,
)
from lodestamp.core.ownership.read_back import Kind
from lodestamp.core.ownership.rules import Rules
from lodestamp.errors import EncodingError, InputError, ProofMalformed

PROOF_DEPTH_MAX: Final = 8
"""Open containers; the schema needs six."""
HEIGHT_MAX: Final = 100_000_000
"""Heights that are read: two thousand years of blocks."""
INDEX_MAX: Final = (1 << 30) - 1
"""Index of a transaction in its block; a branch has 30 siblings at most."""

_TOP: Final = frozenset({"claim", "headers", "height", "network", "ops", "rules", "sha1", "v"})
_OP: Final = frozenset({"height", "index", "kind", "parts", "prevouts", "txid"})
_PART: Final = frozenset({"branch", "height", "index", "raw"})
_CLAIM: Final = frozenset({"balances_hash", "cap_table", "registrant", "state_hash"})
_KINDS: Final = frozenset({"register", "transfer", "tip", "payment"})
_is_sha1: Final = re.compile(r"[0-9a-f]{40}").fullmatch
_is_hash: Final = re.compile(r"[0-9a-f]{64}").fullmatch
_is_script: Final = re.compile(r"(?:[0-9a-f]{2})*").fullmatch

_Kind = TypeVar("_Kind", str, int, list[JsonValue], dict[str, JsonValue])


def decode_ownership_proof(data: bytes) -> OwnershipProof:
    """Parse a file of at most `OWNERSHIP_PROOF_SIZE_MAX` bytes, and nothing else.

    ProofMalformed for anything outside the format, or whose parts contradict each other;
    RulesMismatch ``rules-unknown`` for rules that this version does not know.
    """
    try:
        top = parse_canonical(data, size_max=OWNERSHIP_PROOF_SIZE_MAX, depth_max=PROOF_DEPTH_MAX)
    except EncodingError as error:
        raise ProofMalformed(error.message) from error
    _require_members(top, _TOP, "")
    if _of(top["v"], int, "/v") != PROOF_VERSION:
        raise ProofMalformed("a version that this one does not know", at="/v")
    rules = Rules.from_fields(_of(top["rules"], dict, "/rules"))
    if top["network"] != rules.network:
        raise ProofMalformed("another network than that of the rules", at="/network")
    sha1 = _matching(top["sha1"], _is_sha1, "/sha1")
    listed = _of(top["ops"], list, "/ops")
    ops = tuple(_op(each, f"/ops/{at}") for at, each in enumerate(listed))
    height = _count(top["height"], HEIGHT_MAX, "/height")
    return OwnershipProof(rules, sha1, height, _headers(top["headers"]), ops, _claim(top["claim"]))


def _headers(value: JsonValue) -> ProofHeaders:
    found = _of(value, dict, "/headers")
    _require_members(found, frozenset({"data", "first", "mode"}), "/headers")
    mode = _of(found["mode"], str, "/headers/mode")
    if mode not in {"full", "sparse"}:
        raise ProofMalformed("neither full nor sparse", at="/headers/mode")
    encoded = _bytes(found["data"], "/headers/data")
    if len(encoded) % HEADER_SIZE:
        raise ProofMalformed("no whole number of headers", at="/headers/data")
    starts = range(0, len(encoded), HEADER_SIZE)
    headers = tuple(BlockHeader.decode(encoded[at : at + HEADER_SIZE]) for at in starts)
    first = _count(found["first"], HEIGHT_MAX, "/headers/first")
    return ProofHeaders(cast("Mode", mode), first, headers)


def _op(value: JsonValue, at: str) -> ProofOp:
    found = _of(value, dict, at)
    _require_members(found, _OP, at)
    kind = _of(found["kind"], str, f"{at}/kind")
    if kind not in _KINDS:
        raise ProofMalformed("no kind of operation", at=f"{at}/kind")
    listed = _of(found["parts"], list, f"{at}/parts")
    parts = tuple(_part(each, f"{at}/parts/{n}") for n, each in enumerate(listed))
    op = ProofOp(cast("Kind", kind), parts, _prevouts(found["prevouts"], f"{at}/prevouts"))
    said = (found["txid"], found["height"], found["index"])
    if not parts or said != (parts[0].tx.txid_display, parts[0].height, parts[0].index):
        raise ProofMalformed("its first part is another transaction, or elsewhere", at=at)
    if type(found["height"]) is not int or type(found["index"]) is not int:
        raise ProofMalformed("not a place in the chain", at=at)
    if op.prevouts is not None and len(op.prevouts) != len(parts[0].tx.inputs):
        raise ProofMalformed("not one output for each input", at=f"{at}/prevouts")
    return op


def _part(value: JsonValue, at: str) -> ProofPart:
    found = _of(value, dict, at)
    _require_members(found, _PART, at)
    joined = _bytes(found["branch"], f"{at}/branch")
    if len(joined) % 32:
        raise ProofMalformed("no whole number of hashes", at=f"{at}/branch")
    try:
        tx = Transaction.decode(_bytes(found["raw"], f"{at}/raw"))
    except InputError as error:
        raise ProofMalformed(error.message, at=f"{at}/raw") from error
    branch = tuple(joined[start : start + 32] for start in range(0, len(joined), 32))
    height = _count(found["height"], HEIGHT_MAX, f"{at}/height")
    return ProofPart(tx, height, _count(found["index"], INDEX_MAX, f"{at}/index"), branch)


def _prevouts(value: JsonValue, at: str) -> tuple[TxOut, ...] | None:
    if value is None:
        return None
    made = []
    for n, each in enumerate(_of(value, list, at)):
        found = _of(each, dict, f"{at}/{n}")
        _require_members(found, frozenset({"amount", "script"}), f"{at}/{n}")
        amount = _count(found["amount"], MAX_MONEY, f"{at}/{n}/amount")
        made.append(TxOut(amount, _bytes(found["script"], f"{at}/{n}/script")))
    return tuple(made)


def _claim(value: JsonValue) -> Claim:
    found = _of(value, dict, "/claim")
    _require_members(found, _CLAIM, "/claim")
    table = {
        _owner(name, "/claim/cap_table"): _count(units, ASSET_UNITS, "/claim/cap_table")
        for name, units in _of(found["cap_table"], dict, "/claim/cap_table").items()
    }
    return Claim(
        _owner(found["registrant"], "/claim/registrant"),
        table,
        bytes.fromhex(_matching(found["balances_hash"], _is_hash, "/claim/balances_hash")),
        bytes.fromhex(_matching(found["state_hash"], _is_hash, "/claim/state_hash")),
    )


def _owner(value: JsonValue, at: str) -> Owner:
    return Owner(bytes.fromhex(_matching(value, _is_script, at)))


def _require_members(found: JsonObject, names: frozenset[str], at: str) -> None:
    if found.keys() != names:
        odd = min(found.keys() ^ names)
        raise ProofMalformed(f"the member {odd!r:.80} is missing or not known here", at=at)


def _of(value: JsonValue, kind: type[_Kind], at: str) -> _Kind:
    if type(value) is not kind:
        raise ProofMalformed(f"not of the type {kind.__name__}", at=at)
    return value


def _count(value: JsonValue, maximum: int, at: str) -> int:
    number = _of(value, int, at)
    if not 0 <= number <= maximum:
        raise ProofMalformed(f"no number from 0 to {maximum:,}", at=at)
    return number


def _matching(value: JsonValue, form: object, at: str) -> str:
    text = _of(value, str, at)
    if not callable(form) or form(text) is None:
        raise ProofMalformed("not of its form in lowercase hex", at=at)
    return text


def _bytes(value: JsonValue, at: str) -> bytes:
    try:
        return base64_decode(_of(value, str, at))
    except EncodingError as error:
        raise ProofMalformed(error.message, at=at) from error
