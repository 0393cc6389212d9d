"""The script machine against public vectors: script_tests, tx_valid, taproot sample, templates.

Exact error names, exact counts; the READMEs of the vectors state both.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conftest import load_json
from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    STANDARD,
    Flag,
    OutPoint,
    Transaction,
    TxOut,
    from_asm,
    leaf_hash,
    to_asm,
    verify_input,
    verify_transaction,
)
from spends import compiled, flags_of, script_test, with_witness

EVERY_FLAG = STANDARD | Flag.DISCOURAGE_OP_CAT | Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH


def trimmed(flags):
    """Leave out flags that no node has alone."""
    if not flags & Flag.P2SH:
        flags &= ~Flag.WITNESS
    return flags if flags & Flag.WITNESS else flags & ~Flag.CLEANSTACK


def filled(flags):
    """Add the flags that others stand on."""
    if flags & Flag.CLEANSTACK:
        flags |= Flag.WITNESS
    return flags | Flag.P2SH if flags & Flag.WITNESS else flags


def test_all_1236_script_tests_end_with_their_exact_error(vectors):
    rows = [row for row in load_json(vectors / "bitcoin/script_tests.json") if len(row) > 1]
    wrong = []
    for row in rows:
        tx, spent, flags, expected = script_test(row)
        found = verify_input(tx, 0, spent, filled(flags)).error
        if found != expected:
            wrong.append((row, found))
    assert len(rows) == 1236
    assert wrong == []


def test_30_of_the_script_tests_are_op_cat_in_tapscript_r8(vectors):
    text = (vectors / "bitcoin/script_tests.json").read_text("utf-8")
    rows = [row for row in json.loads(text) if "#SCRIPT#" in str(row)]
    assert len(rows) == 30
    ends = {script_test(row)[3] for row in rows}
    assert {"OK", "PUSH_SIZE", "INVALID_STACK_OPERATION", "DISCOURAGE_OP_CAT"} <= ends


def tx_valid(vectors):
    rows = [row for row in load_json(vectors / "bitcoin/tx_valid.json") if len(row) > 1]
    for prevouts, encoded, excluded in rows:
        tx = Transaction.decode(bytes.fromhex(encoded))
        coins = {
            OutPoint(bytes.fromhex(txid)[::-1], vout & 0xFFFFFFFF): TxOut(
                amount[0] if amount else 0, compiled(script)
            )
            for txid, vout, script, *amount in prevouts
        }
        yield tx, [coins[each.prevout] for each in tx.inputs], flags_of(excluded), encoded


def test_all_139_valid_transactions_are_valid_under_every_flag_but_theirs(vectors):
    wrong, count, templates = [], 0, 0
    for tx, spent, excluded, encoded in tx_valid(vectors):
        verdicts = verify_transaction(tx, spent, trimmed(EVERY_FLAG & ~excluded))
        count += 1
        templates += bool(excluded & Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH)
        if not all(each.ok for each in verdicts):
            wrong.append((encoded, verdicts))
    assert (count, wrong) == (139, [])
    assert templates >= 19


def test_valid_transactions_are_each_wrong_under_a_flag_they_exclude(vectors):
    """A transaction that excludes a flag does so since the flag makes it invalid."""
    refused = total = 0
    for tx, spent, excluded, _ in tx_valid(vectors):
        if excluded:
            total += 1
            refused += not all(each.ok for each in verify_transaction(tx, spent, EVERY_FLAG))
    assert total > 60
    assert refused == total


def taproot_sample(vectors):
    with (vectors / "bitcoin/taproot_ref_sample.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            spent = [TxOut.decode(bytes.fromhex(each)) for each in case["prevouts"]]
            tx = Transaction.decode(bytes.fromhex(case["tx"]))
            yield case, tx, spent, flags_of(case["flags"])


def test_the_taproot_sample_gives_1119_successes_and_994_failures(vectors):
    verdicts, wrong = {"success": 0, "failure": 0}, []
    for case, tx, spent, flags in taproot_sample(vectors):
        for kind in verdicts:
            if kind not in case:
                continue
            given = case[kind]
            changed = with_witness(
                tx,
                case["index"],
                bytes.fromhex(given["scriptSig"]),
                tuple(map(bytes.fromhex, given["witness"])),
            )
            verdict = verify_input(changed, case["index"], spent, flags)
            verdicts[kind] += 1
            if verdict.ok is not (kind == "success"):
                wrong.append((case["comment"], kind, verdict))
    assert verdicts == {"success": 1119, "failure": 994}
    assert wrong == []


@pytest.fixture(scope="module")
def templates(vectors):
    return load_json(vectors / "covenants/templates.json")["cases"]


def test_all_35_covenant_spends_end_as_a_node_ended_them(templates):
    assert len(templates) == 35
    for case in templates:
        tx = Transaction.decode(bytes.fromhex(case["tx"]))
        spent = [TxOut(amount, bytes.fromhex(script)) for amount, script in case["prevouts"]]
        verdicts = verify_transaction(tx, spent, CONSENSUS_CAT_CTV)
        first = next((each.error for each in verdicts if not each.ok), "OK")
        assert first == case["expected"], case["id"]
        assert (tx.txid_display, tx.vsize) == (case["txid"], case["vsize"]), case["id"]


def test_all_35_covenant_leaves_compile_from_their_text(templates):
    for case in templates:
        leaf = bytes.fromhex(case["leaf"])
        assert from_asm(case["asm"]) == leaf, case["id"]
        assert from_asm(to_asm(leaf)) == leaf, case["id"]
        assert leaf_hash(leaf).hex() == case["leaf_hash"], case["id"]


def test_garbage_for_a_cat_leaf_passes_where_the_rules_are_not_active(templates):
    """The lock binds only where BIP-347 is active: elsewhere anyone could spend."""
    case = next(each for each in templates if each["id"] == "T1/80B")
    tx = Transaction.decode(bytes.fromhex(case["tx"]))
    spent = [TxOut(amount, bytes.fromhex(script)) for amount, script in case["prevouts"]]
    garbage = (b"garbage", *tx.inputs[0].witness[-2:])
    robbed = replace(tx, inputs=(replace(tx.inputs[0], witness=garbage),))
    assert verify_input(robbed, 0, spent, CONSENSUS_CAT_CTV & ~Flag.OP_CAT).ok
    assert not verify_input(robbed, 0, spent, CONSENSUS_CAT_CTV).ok
