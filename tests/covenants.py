"""Covenant cases of the vectors, and spends of every kind over coins that are made up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

import pytest

from conftest import REQUIRED, vector_folder
from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    OutPoint,
    Transaction,
    TxOut,
    schnorr_sign,
    sha256,
    verify_transaction,
)
from lodestamp.core.content import add_bytes, covenant_layout, get_profile
from lodestamp.core.covenants import (
    Content,
    Covenant,
    FundedCoin,
    Kind,
    Member,
    NextRoot,
    Path,
    Reveal,
    SpendPlan,
    at_depth,
    build,
    complete,
    forced_outputs,
    plan_spend,
    recognise,
)
from lodestamp.core.encoding import Cid
from lodestamp.core.merkle import InclusionProof, leaf_hash, root

ANCHOR_HEAD = bytes(8) + bytes.fromhex("266a24") + b"PRV1"


@dataclass(frozen=True)
class Case:
    """One case of templates.json, its bytes decoded."""

    id: str
    kind: str
    asm: str
    leaf: bytes
    script: bytes
    control: bytes
    tx: Transaction
    spent: tuple[TxOut, ...]
    index: int
    vsize: int
    expected: str
    raw: dict

    @property
    def items(self) -> tuple[bytes, ...]:
        """The witness below leaf and control block."""
        return self.tx.inputs[self.index].witness[:-2]

    @property
    def is_unpinned(self) -> bool:
        """Whether `build` must be unable to make it."""
        return "UNPINNED" in self.id or self.id.startswith("CAT/")


def load_cases() -> tuple[bytes, list[Case]]:
    """Return the owner's secret and all cases."""
    path = vector_folder() / "covenants/templates.json"
    if not path.is_file():
        assert "vectors" not in REQUIRED, f"{path} is absent"
        pytest.skip(f"{path} is absent", allow_module_level=True)
    document = json.loads(path.read_text())
    return bytes.fromhex(document["owner_secret"]), [_case(each) for each in document["cases"]]


def _case(raw: dict) -> Case:
    return Case(
        raw["id"],
        raw["template"].upper(),
        raw["asm"],
        bytes.fromhex(raw["leaf"]),
        bytes.fromhex(raw["script_pubkey"]),
        bytes.fromhex(raw["control_block"]),
        Transaction.decode(bytes.fromhex(raw["tx"])),
        tuple(TxOut(amount, bytes.fromhex(script)) for amount, script in raw["prevouts"]),
        raw["input_index"],
        raw["vsize"],
        raw["expected"],
        raw,
    )


def first_error(tx: Transaction, spent, flags=CONSENSUS_CAT_CTV) -> str:
    """Return the first error in input order, or OK."""
    errors = [str(each.error) for each in verify_transaction(tx, spent, flags)]
    return next((each for each in errors if each != "OK"), "OK")


def parameters_of(case: Case) -> dict:
    """Read what `build` needs out of the text of a case's leaf."""
    pushes = [bytes.fromhex(each) for each in re.findall("<([0-9a-f]{64,72})>", case.asm)]
    owner = pushes[0] if "CHECKSIGVERIFY" in case.asm else None
    match case.kind:
        case "T1":
            size = sum(map(len, case.items[1:]))
            return {
                "cid": pushes[0], "size": size, "owner": pushes[1],
                "relay": "one-item" not in case.id,
            }  # fmt: skip
        case "T2":
            return {"root": pushes[0], "owner": pushes[1], "depth": case.asm.count("ROT")}
        case "T2B":
            levels = re.findall("TOALTSTACK ((?:CAT )*)FROMALT", case.asm)
            counts = [1 + each.count("CAT") for each in levels]
            digest = case.asm.startswith("SIZE")
            return {
                "root": pushes[0], "owner": pushes[1],
                "levels": list(zip(counts[::2], counts[1::2], strict=True)),
                "chunks": None if digest else 1 + case.asm.split("SHA256")[0].count("CAT"),
            }  # fmt: skip
        case "T3":
            return {"template_hash": pushes[0]}
        case "T4":
            return {"outputs_hash": pushes[0]}
        case _:
            return {"anyone": True} if owner is None else {"owner": owner}


def reveal_of(cov: Covenant, items, spent) -> Reveal:
    """Read back from a witness what its spender showed."""
    match cov.kind:
        case Kind.T1:
            return Content(b"".join(items[1:]))
        case Kind.T2:
            siblings = tuple(reversed(items[2:-1:2]))
            lefts = [each == b"\x01" for each in reversed(items[1:-1:2])]
            index = sum((not left) << place for place, left in enumerate(lefts))
            return Member(items[-1], InclusionProof(index, 1 << len(lefts), siblings))
        case Kind.T2B:
            return _path(cov, items)
        case Kind.T5:
            return NextRoot(items[7])
        case Kind.T6:
            own = spent.encode()
            parts = (items[11], items[10], own, ANCHOR_HEAD, items[9], items[8])
            return NextRoot(items[12], Transaction.decode(b"".join(parts), witness=False))
        case _:
            return None


def _path(cov: Covenant, items) -> Path:
    rest = list(items[1:])
    cuts = []
    for before, after in reversed(cov.params.levels):
        suffix, prefix = rest[:after], rest[after : after + before]
        del rest[: after + before]
        cuts.append((b"".join(prefix), b"".join(suffix)))
    last = b"".join(rest)
    digest = last if cov.params.chunks is None else sha256(last)
    levels: list[covenant_layout.Level] = []
    for prefix, suffix in reversed(cuts):
        levels.insert(0, covenant_layout.Level(prefix, digest, suffix))
        digest = sha256(prefix + digest + suffix)
    return Path(tuple(levels), None if cov.params.chunks is None else last)


def planned(case: Case) -> SpendPlan:
    """Plan the spend of a case again from its parts."""
    cov = recognise(case.leaf)
    assert cov is not None
    coins = [
        FundedCoin(each.prevout, spent)
        for each, spent in zip(case.tx.inputs, case.spent, strict=True)
    ]
    is_anchor = cov.kind in {Kind.T5, Kind.T6}
    return plan_spend(
        cov,
        coins[0],
        case.tx.outputs[2:] if is_anchor else case.tx.outputs,
        reveal=reveal_of(cov, case.items, case.spent[0]),
        fee_coin=coins[1] if is_anchor else None,
        relay="one-item" not in case.id,
    )


def signed(plan: SpendPlan, secret: bytes) -> Transaction:
    """Complete a plan all of whose keys have one secret."""
    signatures = [schnorr_sign(each.message, secret, bytes(32)) for each in plan.to_sign]
    return complete(plan, signatures)


def mutants(tx: Transaction, index: int = 0):
    """Yield, per witness item below the leaf, the spend with one bit of it changed."""
    witness = tx.inputs[index].witness
    for place, item in enumerate(witness[:-2]):
        if item in {b"", b"\x01"}:
            changed = b"\x01" if item == b"" else b""
        else:
            changed = item[:-1] + bytes((item[-1] ^ 1,))
        yield with_witness(tx, (*witness[:place], changed, *witness[place + 1 :]), index)


def with_witness(tx: Transaction, witness, index: int = 0) -> Transaction:
    """Return the transaction with another witness on one input."""
    inputs = list(tx.inputs)
    inputs[index] = replace(inputs[index], witness=tuple(witness))
    return replace(tx, inputs=tuple(inputs))


def coin(cov: Covenant, amount: int = 100_000, txid: bytes = b"\x11" * 32) -> FundedCoin:
    """Return a coin of a covenant that no chain knows."""
    return FundedCoin(OutPoint(txid, 0), TxOut(amount, cov.script_pubkey))


OWNER_SECRET = bytes(31) + b"\x07"
"""The secret of `chains.SIGNER`."""


def made_reveals(owner: bytes, script: bytes) -> dict[str, tuple[Covenant, Reveal, tuple]]:
    """Return one covenant of each kind, what opens it, and the outputs it fixes."""
    content = bytes(range(256)) + bytes(100)
    cids = [RAW + sha256(bytes((n,))) for n in range(11)]
    hashes = [leaf_hash(each) for each in cids]
    batch = build(Kind.T2, root=root(hashes), size=len(cids), owner=owner)
    member = Member(cids[9], prove(hashes, 9))
    levels, leaf = path_of(bytes(480) + bytes(range(256)) * 20, 3)
    outputs = forced_outputs(sha256(b"batch"), TxOut(90_000, script), cpfp=True, owner=owner)
    return {
        "T1": (build(Kind.T1, content=content, owner=owner), Content(content), ()),
        "T2": (at_depth(batch, len(member.proof.hashes)), member, ()),
        "T2B": (build(Kind.T2B, path=levels, leaf=leaf, owner=owner), Path(levels, leaf), ()),
        "T2B-digest": (build(Kind.T2B, path=levels, owner=owner), Path(levels), ()),
        "T3": (build(Kind.T3, outputs=outputs), None, outputs),
        "T4": (build(Kind.T4, outputs=outputs), None, outputs),
        "T5": (build(Kind.T5, owner=owner), NextRoot(sha256(b"root")), ()),
        "T6": (build(Kind.T6, owner=owner), NextRoot(sha256(b"root")), ()),
    }


RAW = bytes.fromhex("01551220")


def prove(hashes, index: int) -> InclusionProof:
    """Return the path of a leaf, found by the definition of RFC 9162 §2.1.3.1."""

    def path(part, at):
        if len(part) == 1:
            return ()
        left = 1 << (len(part) - 1).bit_length() - 1
        if at < left:
            return (*path(part[:left], at), root(part[left:]))
        return (*path(part[left:], at - left), root(part[:left]))

    return InclusionProof(index, len(hashes), path(hashes, index))


def path_of(data: bytes, index: int, profile: str = "covenant-8-480"):
    """Return the blocks from a file's root to its leaf of this index, and the leaf."""
    made, blocks = add_bytes(data, get_profile(profile))
    held = {block.cid: bytes(block.data) for block in blocks}
    levels = tuple(covenant_layout.path(held.get, made.cid, index))
    return levels, held[Cid.decode(RAW + levels[-1].digest)]
