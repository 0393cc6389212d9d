"""Codecs and parsers of the bitcoin room: identity, strictness, and nothing but our errors."""

from __future__ import annotations

import random
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import load_json
from lodestamp.core.bitcoin import (
    NUMS,
    STANDARD,
    Branch,
    Leaf,
    OutPoint,
    Reader,
    Script,
    SigVersion,
    Transaction,
    TxIn,
    TxOut,
    check_standard,
    check_transaction,
    compact_size,
    control_block,
    execute,
    from_asm,
    num_decode,
    num_encode,
    output_key,
    parse_control_block,
    push,
    to_asm,
    verify_input,
)
from lodestamp.core.bitcoin.ecc import ecdsa_verify, schnorr_verify, tweak_xonly
from lodestamp.errors import (
    KeyFormatError,
    LodestampError,
    MalformedBitcoin,
    MalformedScript,
    MalformedTransaction,
)

U32 = st.integers(0, 2**32 - 1)
ITEMS = st.binary(max_size=40)
INPUTS = st.builds(
    TxIn,
    st.builds(OutPoint, st.binary(min_size=32, max_size=32), U32),
    ITEMS,
    U32,
    st.lists(ITEMS, max_size=3).map(tuple),
)
OUTPUTS = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), ITEMS)
TRANSACTIONS = st.builds(
    Transaction,
    st.integers(-(2**31), 2**31 - 1),
    st.lists(INPUTS, min_size=1, max_size=4).map(tuple),
    st.lists(OUTPUTS, max_size=4).map(tuple),
    U32,
)


@given(TRANSACTIONS)
def test_a_transaction_is_what_its_bytes_decode_to_r1(tx):
    encoded = tx.encode()
    assert Transaction.decode(encoded) == tx
    stripped = tx.encode(witness=False)
    assert Transaction.decode(stripped, witness=False).txid == tx.txid
    assert tx.weight == 3 * len(stripped) + len(encoded)
    assert tx.vsize == -(-tx.weight // 4)


@given(TRANSACTIONS, st.data())
def test_whatever_is_accepted_is_its_own_encoding_r1(tx, data):
    wire = bytearray(tx.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = Transaction.decode(bytes(wire))
    except MalformedTransaction:
        return
    assert decoded.encode() == wire


@given(st.integers(0, 2**64 - 1))
def test_a_size_is_read_back_and_only_from_its_shortest_form(n):
    encoded = compact_size(n)
    reader = Reader(encoded)
    assert (reader.compact_size(), reader.left) == (n, 0)
    for first, width in ((0xFD, 2), (0xFE, 4), (0xFF, 8)):
        if n < 1 << 8 * width and len(encoded) < width + 1:
            with pytest.raises(MalformedBitcoin):
                Reader(bytes((first,)) + n.to_bytes(width, "little")).compact_size()


@given(st.binary(max_size=60))
def test_any_script_is_cut_or_refused_and_its_text_reads_back(script):
    try:
        text = to_asm(script)
    except MalformedScript:
        with pytest.raises(MalformedScript):
            list(Script(script).ops())
        return
    assert from_asm(text) == script


@given(st.text(max_size=30))
def test_any_text_compiles_or_is_malformed(text):
    try:
        script = from_asm(text)
    except MalformedScript:
        return
    assert from_asm(to_asm(script)) == script


@given(st.integers(1 - 2**39, 2**39 - 1))
def test_a_number_is_read_back_and_its_encoding_is_minimal_r7(n):
    encoded = num_encode(n)
    assert num_decode(encoded, 5, minimal=True) == n
    padded = encoded[:-1] + bytes((encoded[-1] & 0x7F, encoded[-1] & 0x80)) if encoded else b"\x00"
    if encoded and not encoded[-1] & 0x7F:
        return
    assert num_decode(padded, 6) == n
    with pytest.raises(MalformedScript):
        num_decode(padded, 6, minimal=True)


@given(st.binary(max_size=600))
def test_a_push_pushes_what_it_was_given(item):
    ran = execute(push(item), (), SigVersion.BASE, None, 0)
    assert ran.ok is (len(item) <= 520)
    if ran.ok:
        assert ran.stack == (item,)


LEAVES = st.builds(Leaf, st.binary(max_size=8), st.sampled_from([0xC0, 0xC2, 0xFE]))
TREES = st.recursive(LEAVES, lambda inner: st.builds(Branch, inner, inner), max_leaves=12)


@given(TREES)
def test_every_leaf_of_a_random_tree_is_shown_by_its_control_block_r14(tree):
    key, _ = output_key(NUMS, tree)
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Branch):
            waiting += [node.left, node.right]
            continue
        encoded = control_block(NUMS, tree, node)
        control = parse_control_block(encoded)
        assert control.encode() == encoded
        assert control.commits_to(key, node.script)
        assert not control.commits_to(key, node.script + b"\x61")


@given(st.binary(max_size=140))
def test_a_control_block_is_read_whole_or_refused(encoded):
    try:
        assert parse_control_block(encoded).encode() == encoded
    except MalformedScript:
        assert len(encoded) % 32 != 1 or len(encoded) < 33


@given(st.binary(max_size=200), st.lists(st.binary(max_size=100), max_size=5))
def test_no_script_whatever_raises(script, stack):
    for version in (SigVersion.BASE, SigVersion.WITNESS_V0, SigVersion.TAPSCRIPT):
        execute(script, stack, version, None, STANDARD)


@given(TRANSACTIONS, st.data())
@settings(max_examples=60)
def test_no_transaction_whatever_makes_a_judge_raise(tx, data):
    spent = [TxOut(n, data.draw(st.binary(max_size=45))) for n in range(len(tx.inputs))]
    check_transaction(tx)
    check_standard(tx, spent)
    for index in range(len(tx.inputs)):
        verify_input(tx, index, spent, STANDARD)


@given(st.binary(max_size=80), st.binary(max_size=40), st.binary(max_size=70))
def test_no_signature_or_key_whatever_raises(sig, message, key):
    assert not schnorr_verify(sig, message, key)
    assert not ecdsa_verify(sig, message, key)
    with suppress(KeyFormatError):
        tweak_xonly(key, message)


def seeds(vectors):
    rows = [row for row in load_json(vectors / "bitcoin/tx_valid.json") if len(row) > 1]
    return [bytes.fromhex(row[1]) for row in rows]


def mutated(draw, encoded):
    """Change, cut, lengthen or splice; sizes are hit often, as they stand in few bytes."""
    wire = bytearray(encoded)
    for _ in range(draw.randrange(1, 4)):
        kind, at = draw.randrange(5), draw.randrange(len(wire))
        if kind == 0:
            wire[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            wire[at] = draw.choice([0, 1, 0xFC, 0xFD, 0xFE, 0xFF])
        elif kind == 2:
            del wire[at : at + draw.randrange(1, 9)]
        elif kind == 3:
            wire[at:at] = draw.randbytes(draw.randrange(1, 9))
        else:
            wire[at : at + 9] = b"\xff" + draw.randbytes(8)
        if not wire:
            return b"\x00"
    return bytes(wire)


@pytest.mark.slow
def test_a_hundred_thousand_mutated_transactions_raise_only_malformed_transaction(vectors):
    draw, originals = random.Random(10), seeds(vectors)
    accepted = 0
    for _ in range(100_000):
        wire = mutated(draw, draw.choice(originals))
        try:
            tx = Transaction.decode(wire)
        except MalformedTransaction:
            continue
        accepted += 1
        assert tx.encode() == wire
    assert 1_000 < accepted < 90_000


@pytest.mark.slow
def test_a_hundred_thousand_mutated_scripts_raise_only_malformed_script(vectors):
    draw = random.Random(11)
    scripts = [
        each.script_sig
        for encoded in seeds(vectors)
        for each in Transaction.decode(encoded).inputs
        if each.script_sig
    ]
    refused = 0
    for _ in range(100_000):
        script = mutated(draw, draw.choice(scripts))
        try:
            text = to_asm(script)
        except MalformedScript:
            refused += 1
            continue
        assert from_asm(text) == script
    assert 1_000 < refused < 99_000


def held(wire):
    """Return the most memory that parsing takes, per byte of input."""
    tracemalloc.start()
    with suppress(LodestampError):
        Transaction.decode(wire)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - 4_096) / len(wire)


def test_parsing_holds_at_most_four_times_an_ordinary_transaction():
    """Also when it is mutated; nothing is made for what is only announced."""
    inputs = tuple([TxIn(OutPoint(bytes([n]) * 32, n), bytes(107)) for n in range(100)])
    outputs = tuple([TxOut(1_000_000 + n, bytes(34)) for n in range(50)])
    wire, draw = Transaction(2, inputs, outputs).encode(), random.Random(12)
    assert held(wire) > 1
    assert max(held(mutated(draw, wire)) for _ in range(200)) <= 4


def test_parsing_the_densest_transactions_stays_linear():
    """A value in Python takes more than the one byte of an empty witness item, but not more yet."""
    spending = TxIn(OutPoint(bytes(32), 0), witness=(b"ab",) * 50_000)
    assert held(Transaction(2, (spending,), ()).encode()) < 20
    assert (
        held(Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(9**9, b""),) * 9_000).encode())
        < 20
    )


@pytest.mark.parametrize("announced", [b"\xfe\xff\xff\xff\x7f", b"\xff" + b"\xff" * 8])
@pytest.mark.parametrize("at", ["inputs", "script", "outputs", "witness"])
def test_a_huge_count_or_size_is_refused_before_anything_is_made(announced, at):
    start = b"\x02\x00\x00\x00"
    spending = bytes(36) + b"\x00" + b"\xff" * 4
    wire = {
        "inputs": start + announced,
        "script": start + b"\x01" + bytes(36) + announced,
        "outputs": start + b"\x01" + spending + announced,
        "witness": start + b"\x00\x01\x01" + spending + b"\x00" + announced,
    }[at] + bytes(100)
    tracemalloc.start()
    with pytest.raises(MalformedTransaction):
        Transaction.decode(wire)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_192
