"""Walking a raw block: boundaries, candidates, and what is no block (R28)."""

from __future__ import annotations

import random

import pytest

from carriers import CHANGE, tx_with
from lodestamp.core.bitcoin import (
    BLOCK_SIZE_MAX,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    compact_size,
)
from lodestamp.core.ownership import candidates, heart_script, payload_script, walk_block
from lodestamp.errors import BlockMalformed
from owners import ALICE, BOB, spend

HEADER = bytes(range(80))
SHA1, OTHER = "da39a3ee5e6b4b0d3255bfef95601890afd80709", "ff" * 20
PRIMARY = payload_script(b"\x1f\x00\x01rest")
HEART = heart_script(SHA1)


def raw_of(*txs: Transaction) -> bytes:
    return HEADER + compact_size(len(txs)) + b"".join(tx.encode() for tx in txs)


def wide(count: int, script: bytes = b"") -> Transaction:
    """Return a transaction with so many inputs, outputs and bytes in its scripts."""
    inputs = tuple([TxIn(OutPoint(bytes(32), n), script) for n in range(count)])
    return Transaction(1, inputs, tuple([TxOut(n, script) for n in range(count)]))


MIXED = (
    wide(1),
    tx_with(PRIMARY),
    spend((ALICE, "p2wpkh"), (BOB, "p2pkh"), (BOB, "p2tr"))[0],
    wide(253, bytes(2)),
    wide(2, bytes(253)),
    wide(1, bytes(70_000)),
    tx_with(HEART, label="x"),
    spend((ALICE, "p2wpkh"), outputs=(CHANGE, TxOut(0, PRIMARY), TxOut(0, HEART)))[0],
)


def test_R28_spans_are_where_the_transactions_stand():
    raw = raw_of(*MIXED)
    spans = list(walk_block(raw))
    assert [span.tx_index for span in spans] == list(range(len(MIXED)))
    assert [raw[span.start : span.end] for span in spans] == [tx.encode() for tx in MIXED]
    assert [span.txid(raw) for span in spans] == [tx.txid for tx in MIXED]


def test_R28_candidates_have_a_heart_or_are_a_primary():
    raw = raw_of(*MIXED)
    found = candidates(raw)
    assert [(each.tx_index, each.is_primary, each.heart) for each in found] == [
        (1, True, None),
        (6, False, SHA1),
        (7, True, SHA1),
    ]
    assert [each.tx for each in found] == [MIXED[1], MIXED[6], MIXED[7]]
    assert all(raw[each.start :].startswith(each.encoded) for each in found)


@pytest.mark.parametrize(
    ("scripts", "is_candidate"),
    [
        ([PRIMARY], True),
        ([b"\x51", PRIMARY], True),
        ([PRIMARY, b"\x6a"], True),
        ([b"\x6a", PRIMARY], False),
        ([b"\x6a\x05cut", PRIMARY], True),
        ([payload_script(b"other"), PRIMARY], False),
        ([b"\x6a\x51\x04\x1f\x00\x01x"], False),
        ([b"\x6a\x4c\x03\x1f\x00\x01"], True),
        ([b"\x6a\x4d\x03\x00\x1f\x00\x01"], True),
        ([b"\x6a\x4e\x03\x00\x00\x00\x1f\x00\x01"], True),
        ([b"\x6a\x04\x1f\x00\x01"], False),
        ([b""], False),
        ([HEART, b"\x6a"], True),
        ([heart_script(OTHER), HEART], True),
        ([b"\x6a\x4c" + HEART[1:]], False),
    ],
)
def test_C2_and_hearts_decide_over_the_outputs_of_one_transaction(scripts, is_candidate):
    tx = tx_with(*scripts)
    found = candidates(raw_of(wide(1), tx, wide(2)))
    assert [each.tx_index for each in found] == [1] * is_candidate


def test_the_last_heart_is_the_candidates():
    (found,) = candidates(raw_of(tx_with(heart_script(OTHER), HEART, b"\x6a\x51")))
    assert found.heart == SHA1


def test_bytes_before_an_output_may_hide_it_from_a_search_but_not_from_the_walk():
    """An outpoint, a scriptSig and an amount that end like OP_RETURN and a push over the heart."""
    amount = int.from_bytes(b"\0\0\0\0\0\x6a\x4d\x1f", "little")
    tx = Transaction(1, (TxIn(OutPoint(b"\x6a" * 32, 0x6A4D), HEART),), (TxOut(amount, HEART),))
    (found,) = candidates(raw_of(wide(1, HEART[:24]), tx))
    assert found.heart == SHA1


def test_an_op_return_at_the_very_end_of_an_output_list_is_seen():
    assert len(candidates(raw_of(tx_with(HEART)))) == 1
    empty = Transaction(1, (TxIn(OutPoint(bytes(32), 1)),), (TxOut(0, b""),), locktime=0x6A6A6A6A)
    assert candidates(raw_of(empty, empty)) == []


def test_a_transaction_of_350_000_op_returns_costs_no_more_than_its_bytes():
    """Were each put behind a copy of those before it, this would take hours."""
    outputs = tuple([TxOut(0, b"\x6a")] * 350_000)
    tx = Transaction(1, wide(1).inputs, (*outputs, TxOut(0, HEART)))
    (found,) = candidates(raw_of(wide(1), tx))
    assert (found.is_primary, found.heart) == (False, SHA1)


# What is no block


def reason(raw: bytes) -> tuple[str, int]:
    with pytest.raises(BlockMalformed) as walked:
        list(walk_block(raw))
    with pytest.raises(BlockMalformed) as looked:
        candidates(raw)
    assert (walked.value.reason, walked.value.offset) == (looked.value.reason, looked.value.offset)
    return looked.value.reason, looked.value.offset


def test_R28_a_block_cut_off_anywhere_is_none():
    raw = raw_of(MIXED[0], MIXED[1], MIXED[2], MIXED[6], MIXED[7])
    for size in range(len(raw)):
        assert reason(raw[:size])[0] == "cut-short", size
    assert len(candidates(raw)) == 3


def test_R28_bytes_after_the_last_transaction_are_refused():
    raw = raw_of(*MIXED)
    assert reason(raw + b"\0") == ("trailing", len(raw))


def test_R28_counts_of_two_to_the_64_are_refused_at_the_first_missing_byte():
    huge = b"\xff" * 9
    body = TxIn(OutPoint(bytes(32), 0)).encode()
    for raw in (
        HEADER + huge,
        HEADER + b"\x01" + bytes(4) + huge,
        HEADER + b"\x01" + bytes(4) + huge + body * 3,
        HEADER + b"\x01" + bytes(4) + b"\x01" + body + huge,
        HEADER + b"\x01" + bytes(4) + b"\x01" + body + huge + CHANGE.encode() * 3,
        HEADER + b"\x01" + bytes(4) + b"\x01" + bytes(36) + huge + bytes(9),
        HEADER + b"\x01" + bytes(4) + b"\x01" + body + b"\x01" + bytes(8) + huge + bytes(9),
        HEADER + b"\x01" + bytes(4) + b"\0\1\x01" + body + b"\x01" + CHANGE.encode() + huge,
        HEADER + b"\x01" + bytes(4) + b"\0\1\x01" + body + b"\x01" + CHANGE.encode() + b"\1" + huge,
    ):
        assert reason(raw)[0] == "cut-short"


def test_R28_sizes_longer_than_they_must_be_are_refused():
    tx = wide(1).encode()
    at = 85
    for long_form in (b"\xfd\x01\x00", b"\xfe\x01\x00\x00\x00", b"\xff" + b"\x01" + bytes(7)):
        assert reason(HEADER + long_form + tx) == ("non-canonical-size", 80)
        changed = HEADER + b"\x01" + tx[:4] + long_form + tx[5:]
        assert reason(changed) == ("non-canonical-size", at)


def test_R28_a_transaction_without_inputs_does_not_exist():
    marked = bytes(4) + b"\x00\x01\x00\x00" + bytes(4)
    assert reason(HEADER + b"\x01" + marked) == ("no-inputs", 87)


def test_R28_the_flag_behind_the_marker_is_01():
    tx = MIXED[2].encode()
    assert reason(HEADER + b"\x01" + tx[:5] + b"\x02" + tx[6:]) == ("marker", 86)


def test_R28_a_witness_form_without_a_witness_is_refused():
    tx = wide(2).encode()
    marked = tx[:4] + b"\x00\x01" + tx[4:-4] + bytes(2) + tx[-4:]
    assert reason(HEADER + b"\x01" + marked) == ("superfluous-witness", 81 + len(tx) - 4 + 2)


def test_R28_a_block_of_more_than_four_million_bytes_is_refused():
    assert reason(raw_of(wide(1)).ljust(BLOCK_SIZE_MAX + 1, b"\0")) == ("size", BLOCK_SIZE_MAX)


def test_only_our_error_leaves_for_any_bytes_at_all():
    draw = random.Random(1)
    raw = raw_of(MIXED[1], MIXED[2], MIXED[7])
    for _ in range(3_000):
        changed = bytearray(raw)
        for _ in range(draw.randrange(1, 4)):
            changed[draw.randrange(80, len(changed))] = draw.choice([0, 1, 0x6A, 0xFD, 0xFF, 7])
        try:
            found = candidates(bytes(changed))
        except BlockMalformed:
            continue
        assert [each.tx.encode() for each in found] == [each.encoded for each in found]
