"""The script machine and the codecs of transactions against btclib, on public vectors.

Both sides judge the same spends, prepared beforehand, and must give the same answers. Both have
libsecp256k1 for the curve, so that the machines are compared and not the arithmetic.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.table import Fact, Findings, compare, trial
from lodestamp.core.bitcoin import (
    CONSENSUS,
    NUMS,
    Flag,
    Leaf,
    Op,
    Transaction,
    TxOut,
    control_block,
    output_script,
    verify_input,
)

_REPOSITORY = Path(__file__).resolve().parent.parent
_LOOP_OPS = 5_000


def _from_tests(name: str) -> Any:
    """Import what the tests share: how vectors are read, and how btclib is asked."""
    folder = str(_REPOSITORY / "tests")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return import_module(name)


def _vectors() -> Path:
    named = os.environ.get("LODESTAMP_VECTORS")
    return Path(named) if named else _REPOSITORY.parent / "shared" / "vectors"


@dataclass(frozen=True, slots=True)
class Spend:
    """One input to judge."""

    tx: Transaction
    index: int
    spent: Sequence[TxOut]
    flags: Flag


def findings(*, quick: bool) -> Findings:
    """Judge the corpora and loops of opcodes; read and write transactions."""
    rounds = 3 if quick else 7
    folder = _vectors() / "bitcoin"
    if folder.is_dir():
        yield _judging("script_tests, the whole corpus", list(_script_tests(folder)), 1.0, rounds)
        yield _judging("taproot sample, spends that succeed", list(_taproot(folder)), 1.0, rounds)
        yield _codec(_transactions(folder, 1_000), rounds)
    else:
        yield Fact("script corpora, and the codec of transactions", "no vectors")
    yield _judging("tapscript of 5,000 NOP", [_loop(b"\x61" * _LOOP_OPS)], 1.5, rounds)
    yield _judging("tapscript of 5,000 DUP DROP", [_loop(b"\x76\x75" * 2_500)], 1.5, rounds)
    hashing = bytes((Op.OP_DUP, Op.OP_SHA256, Op.OP_SWAP, Op.OP_CAT, Op.OP_SHA256))
    yield _judging(
        "tapscript of 5,000 DUP SHA256 SWAP CAT SHA256",
        [_loop(hashing * 1_000)],
        1.5,
        rounds,
        around=_from_tests("oracle").oracle_with_cat,
    )


def _judging(
    measure: str,
    spends: list[Spend],
    aim: float,
    rounds: int,
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Any:
    """Compare both machines on some spends; they must agree on each."""
    oracle = _from_tests("oracle")
    prepared = [
        (*oracle.oracle_spend(each.tx, each.spent), each.index, oracle.oracle_flags(each.flags))
        for each in spends
    ]

    def ours() -> list[str]:
        return [verify_input(s.tx, s.index, s.spent, s.flags).error for s in spends]

    def theirs() -> list[str]:
        return [oracle.judged(tx, index, coins, flags) for tx, coins, index, flags in prepared]

    with oracle.oracle_on_libsecp256k1(), around():
        agreed = sum(oracle.alike(a, b) for a, b in zip(ours(), theirs(), strict=True))
        assert agreed == len(spends), f"{measure}: {len(spends) - agreed} differ"
        units = len(spends) if len(spends) > 1 else _LOOP_OPS
        return compare(
            measure,
            unit="spend" if len(spends) > 1 else "opcode",
            ours=trial(ours, units),
            peer="btclib, curve by libsecp256k1",
            theirs=trial(theirs, units),
            aim=aim,
            rounds=rounds,
        )


def _script_tests(folder: Path) -> Iterator[Spend]:
    """Yield the corpus, without what btclib has no rules for: OP_CAT and its flags."""
    spends = _from_tests("spends")
    unknown = Flag.OP_CAT | Flag.DISCOURAGE_OP_CAT
    for row in json.loads((folder / "script_tests.json").read_text("utf-8")):
        if len(row) > 1:
            tx, spent, flags, _ = spends.script_test(row)
            if flags & Flag.CLEANSTACK:
                flags |= Flag.WITNESS
            if flags & Flag.WITNESS:
                flags |= Flag.P2SH
            if not flags & unknown:
                yield Spend(tx, 0, spent, flags)


def _taproot(folder: Path) -> Iterator[Spend]:
    spends = _from_tests("spends")
    with (folder / "taproot_ref_sample.jsonl").open(encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            spent = [TxOut.decode(bytes.fromhex(each)) for each in case["prevouts"]]
            witness = tuple(map(bytes.fromhex, case["success"]["witness"]))
            script_sig = bytes.fromhex(case["success"]["scriptSig"])
            tx = Transaction.decode(bytes.fromhex(case["tx"]))
            tx = spends.with_witness(tx, case["index"], script_sig, witness)
            yield Spend(tx, case["index"], spent, spends.flags_of(case["flags"]))


def _transactions(folder: Path, count: int) -> list[bytes]:
    """Return encoded transactions of all kinds: legacy, segwit, taproot."""
    rows = json.loads((folder / "tx_valid.json").read_text("utf-8"))
    found = [bytes.fromhex(row[1]) for row in rows if len(row) > 1]
    return (found + [each.tx.encode() for each in _taproot(folder)])[:count]


def _codec(encoded: list[bytes], rounds: int) -> Any:
    from btclib.tx.tx import Tx

    def ours() -> None:
        for each in encoded:
            assert Transaction.decode(each).encode() == each

    def theirs() -> None:
        for each in encoded:
            tx = Tx.parse(each, check_validity=False)
            assert tx.serialize(include_witness=True, check_validity=False) == each

    return compare(
        f"decode and encode {len(encoded):,} mixed transactions",
        unit="tx",
        ours=trial(ours, len(encoded)),
        peer="btclib Tx",
        theirs=trial(theirs, len(encoded)),
        aim=2.0,
        rounds=rounds,
    )


def _loop(script: bytes) -> Spend:
    """Return the spend of a leaf that runs these opcodes over one item."""
    spends = _from_tests("spends")
    leaf = Leaf(script)
    witness = (b"\x01", script, control_block(NUMS, leaf, leaf))
    tx, spent = spends.spend_of(output_script(NUMS, leaf), witness=witness)
    return Spend(tx, 0, spent, CONSENSUS | Flag.OP_CAT)
