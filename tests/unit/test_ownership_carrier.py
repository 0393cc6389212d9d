"""Carriers: the codec, C1 to C6, and what hostile ones cost (§3.1)."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace

import pytest

from carriers import (
    CHANGE,
    COINBASE_INPUT,
    chain_of,
    counted,
    deflated,
    known,
    nobody,
    tx_with,
)
from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut
from lodestamp.core.ownership import (
    COMPRESSED_READ_MAX,
    COMPRESSED_WRITTEN_MAX,
    INFLATED_MAX,
    carrier_count,
    carrier_payloads,
    decode_payloads,
    encode_payloads,
    payload_script,
    read_carrier,
)
from lodestamp.errors import CarrierMalformed, CarrierTooLarge, SourceIncomplete, UsageError

REGISTER = b'{"op":"r","sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}'


def text_of(compressed_size: int) -> bytes:
    """Return noise that deflates to exactly so many bytes, for sizes a stored block can have."""
    text = random.Random(compressed_size).randbytes(compressed_size - 5)
    assert len(deflated(text)) == compressed_size
    return text


def read(*payloads: bytes):
    """Read the carrier that a chain of transactions with one payload each announces."""
    txs = chain_of(payloads)
    return read_carrier(txs[0], known(txs))


# The codec


@pytest.mark.parametrize("parts", range(1, 17))
def test_one_to_sixteen_payloads_go_there_and_back(parts):
    text = text_of(77 + 80 * (parts - 1))
    payloads = encode_payloads(text)
    assert len(payloads) == parts
    assert payloads[0][:3] == bytes([0x1F, 0, parts])
    assert [len(each) for each in payloads] == [80] * parts
    assert decode_payloads(payloads) == text
    txs = chain_of(payloads)
    carrier = read_carrier(txs[0], known(txs))
    assert carrier.text == text
    assert carrier.payloads == tuple(payloads)
    assert carrier.parents == tuple(txs[1:])
    assert zlib.decompress(carrier.compressed, -15) == text


@pytest.mark.parametrize(("size", "sizes"), [(77, [80]), (78, [80, 1]), (157, [80, 80])])
def test_the_first_payload_carries_77_bytes_and_the_next_80(size, sizes):
    assert [len(each) for each in encode_payloads(text_of(size))] == sizes


def test_1277_compressed_bytes_are_carried_and_1278_are_not():
    assert COMPRESSED_WRITTEN_MAX == 77 + 15 * 80
    assert len(encode_payloads(text_of(1_277))) == 16
    with pytest.raises(CarrierTooLarge) as refused:
        encode_payloads(text_of(1_278))
    assert (refused.value.maximum, refused.value.actual) == (1_277, 1_278)


def test_R46_the_shorter_of_two_levels_is_written():
    text = b"".join(b'{"key":"%d"}' % (n % 7) for n in range(400))
    written = b"".join(encode_payloads(text))
    assert len(written) - 3 == min(len(deflated(text, level)) for level in (6, 9))


def test_no_bytes_are_a_text_too():
    assert decode_payloads(encode_payloads(b"")) == b""


def test_a_text_that_nobody_would_read_is_not_written():
    whole = bytes(1_300_000)
    assert decode_payloads(encode_payloads(whole)) == whole
    with pytest.raises(UsageError):
        encode_payloads(bytes(INFLATED_MAX + 1))


@pytest.mark.parametrize(
    ("payloads", "reason"),
    [
        ([], "header"),
        ([b""], "header"),
        ([b"\x1f\x00"], "header"),
        ([counted(2, deflated(b"x"))], "count"),
        ([counted(1, deflated(b"x")), b"y"], "count"),
        ([counted(0, deflated(b"x"))], "count"),
        ([counted(1, b"\xff")], "deflate"),
        ([counted(1, b"")], "deflate"),
        ([counted(1, deflated(b"x" * 50)[:-1])], "deflate"),
        ([counted(2, b"\x01"), bytes(COMPRESSED_READ_MAX)], "compressed-size"),
    ],
)
def test_payloads_that_carry_nothing_are_named_by_their_defect(payloads, reason):
    with pytest.raises(CarrierMalformed) as refused:
        decode_payloads(payloads)
    assert refused.value.reason == reason


def test_C5_a_deflate_bomb_is_left_at_two_mebibytes():
    bomb = deflated(bytes(20_000_000))
    assert len(bomb) <= COMPRESSED_READ_MAX
    payloads = [counted(2, bomb[:77]), bomb[77:]]
    with pytest.raises(CarrierMalformed) as refused:
        decode_payloads(payloads)
    assert refused.value.reason == "inflated-size"
    assert read(*payloads) is None


def test_C5_two_mebibytes_are_carried_and_one_byte_more_is_not():
    for size, is_carried in ((INFLATED_MAX, True), (INFLATED_MAX + 1, False)):
        compressed = deflated(bytes(size))
        carrier = read(counted(2, compressed[:77]), compressed[77:])
        assert (carrier is not None) == is_carried


def test_C5_compressed_bytes_up_to_the_limit_count_and_not_one_more():
    compressed = deflated(REGISTER).ljust(COMPRESSED_READ_MAX, b"\0")
    assert read(counted(2, compressed[:77]), compressed[77:]).text == REGISTER
    assert read(counted(2, compressed[:77]), compressed[77:] + b"\0") is None


def test_C5_bytes_after_the_end_of_the_stream_are_ignored():
    assert read(counted(1, deflated(REGISTER) + b"more")).text == REGISTER


# C1 and C2: the payloads of one transaction


def test_C1_payloads_come_from_the_highest_output_to_the_lowest():
    tx = tx_with(payload_script(b"one"), b"\x51", b"\x6a", payload_script(b"two"), b"\x6a\x51")
    assert carrier_payloads(tx) == [b"", b"two", b"", b"one"]


def test_C1_a_script_with_a_push_past_its_end_is_no_op_return_output():
    tx = tx_with(payload_script(b"one"), b"\x6a\x05abc", b"\x6a\x03abc\x4c")
    assert carrier_payloads(tx) == [b"one"]


def test_C2_a_count_stands_in_the_third_byte_behind_1f_00():
    for payload, count in (
        (b"\x1f\x00\x01", 1),
        (b"\x1f\x00\xff rest", 255),
        (b"\x1f\x00\x00", 0),
        (b"\x1f\x00", 0),
        (b"\x1f\x01\x01", 0),
        (b"\x00\x1f\x01", 0),
    ):
        assert carrier_count(tx_with(payload_script(payload))) == count


def test_C2_the_lowest_op_return_output_makes_a_primary():
    first, other = payload_script(counted(2, b"x")), payload_script(b"other")
    assert carrier_count(tx_with(first, other)) == 2
    assert carrier_count(tx_with(other, first)) == 0
    assert carrier_count(tx_with(b"\x6a", first)) == 0
    assert carrier_count(tx_with(b"\x6a\x05abc", first)) == 2
    assert carrier_count(tx_with()) == 0


def test_C2_the_total_is_the_first_count_in_list_order():
    one, three = payload_script(counted(1, b"x")), payload_script(counted(3, b"y"))
    assert carrier_count(tx_with(one, three)) == 3
    assert carrier_count(tx_with(one, payload_script(b"none"))) == 1


# C3: the parents


def test_C3_parents_are_those_of_the_last_input():
    payloads = encode_payloads(text_of(200))
    txs = chain_of(payloads)
    stranger = TxIn(OutPoint(bytes(31) + b"\x09", 0))
    tx = replace(txs[0], inputs=(*txs[0].inputs, stranger))
    with pytest.raises(SourceIncomplete) as missing:
        read_carrier(_json_like(tx), known(txs))
    assert missing.value.txid == stranger.prevout.txid


def _json_like(tx: Transaction) -> Transaction:
    """Return the transaction with a first payload that may yet become an object."""
    outputs = (CHANGE, TxOut(0, payload_script(counted(3, deflated(b"{" + bytes(900))[:3]))))
    return replace(tx, outputs=outputs)


def test_C3_a_parent_without_op_return_counts_as_a_step():
    compressed = deflated(text_of(150))
    grandparent = tx_with(payload_script(compressed[77:]))
    parent = tx_with(parent=grandparent)
    primary = tx_with(payload_script(counted(3, compressed[:77])), parent=parent)
    assert read_carrier(primary, known([parent, grandparent])) is None
    two = tx_with(payload_script(counted(2, compressed[:77])), parent=parent)
    assert read_carrier(two, known([parent, grandparent])) is None


def test_C3_a_parent_may_carry_several_payloads_if_the_count_comes_out():
    compressed = deflated(text_of(230))
    parts = [compressed[77:157], compressed[157:]]
    grandparent = tx_with()
    parent = tx_with(*map(payload_script, reversed(parts)), parent=grandparent)
    primary = tx_with(payload_script(counted(3, compressed[:77])), parent=parent)
    carrier = read_carrier(primary, known([parent, grandparent]))
    assert carrier.text == zlib.decompress(compressed, -15)
    assert carrier.parents == (parent, grandparent)


def test_C3_a_primary_alone_asks_for_no_parent():
    payload = encode_payloads(REGISTER)[0]
    assert read_carrier(tx_with(payload_script(payload)), nobody).text == REGISTER


@pytest.mark.parametrize("deep", [1, 2])
def test_C3_reaching_a_coinbase_is_no_carrier(deep):
    payloads = encode_payloads(text_of(200))
    coinbase = Transaction(1, (COINBASE_INPUT,), (TxOut(0, payload_script(payloads[2])),))
    txs = [coinbase]
    for payload in reversed(payloads[: 3 - deep]):
        txs.insert(0, tx_with(payload_script(payload), parent=txs[0]))
    assert read_carrier(txs[0], known(txs)) is None


def test_C3_a_coinbase_with_several_announced_is_none_and_with_one_is():
    for count, is_carried in ((1, True), (2, False)):
        script = payload_script(counted(count, deflated(REGISTER)))
        coinbase = Transaction(1, (COINBASE_INPUT,), (TxOut(0, script),))
        assert (read_carrier(coinbase, nobody) is not None) == is_carried


def test_C3_parents_that_name_each_other_end_after_as_many_steps_as_announced():
    """A source that lies so is found out, because a txid is the hash of what it names."""
    primary = tx_with(payload_script(counted(255, deflated(b"{")[:2])), label="cyclic")
    asked: list[bytes] = []

    def fetch(txid: bytes) -> Transaction:
        asked.append(txid)
        return primary

    with pytest.raises(SourceIncomplete, match="another"):
        read_carrier(primary, fetch)
    assert len(asked) == 1


def test_C3_a_transaction_without_inputs_has_no_parent():
    tx = Transaction(1, (), (TxOut(0, payload_script(counted(2, deflated(REGISTER)))),))
    assert read_carrier(tx, nobody) is None


# C4: the count


def test_C4_the_number_of_payloads_must_be_the_announced():
    compressed = deflated(REGISTER)
    spare = tx_with(payload_script(b"spare"), payload_script(counted(1, compressed)))
    assert read_carrier(spare, nobody) is None
    assert read(counted(2, compressed), b"") is not None


def test_C4_of_the_first_payload_only_80_bytes_count():
    compressed = deflated(text_of(120))
    assert len(compressed) > 77
    payloads = [counted(2, compressed[:77]) + b"beyond the eighty", compressed[77:]]
    assert decode_payloads(payloads) == text_of(120)


def test_C4_the_first_in_list_order_may_have_no_header_of_its_own():
    """Its third byte is the count and its compressed bytes begin after it, whatever it is."""
    compressed = deflated(REGISTER)
    first = b"ab\x02" + compressed
    tx = tx_with(payload_script(counted(1, b"")), payload_script(first))
    assert read_carrier(tx, nobody).text == REGISTER
    assert read_carrier(tx_with(payload_script(counted(1, b"")), b"\x6a"), nobody) is None


# C6: parents that cannot be had


def test_C6_a_missing_parent_is_never_invalid():
    txs = chain_of(encode_payloads(b'{"op":"r","x":"' + text_of(200).hex().encode() + b'"}'))
    with pytest.raises(SourceIncomplete) as missing:
        read_carrier(txs[0], known(txs[:2]))
    assert missing.value.txid == txs[2].txid
    assert missing.value.txid[::-1].hex() in missing.value.message


def test_C6_what_cannot_be_deflated_asks_for_no_parent():
    assert read_carrier(tx_with(payload_script(counted(255, b"\xff" * 77))), nobody) is None


@pytest.mark.parametrize("head", [b"hello", b"[", b"\xef\xbb\xbf{", b" \n\t\r0"])
def test_C6_a_missing_parent_does_not_matter_to_a_text_that_is_no_object(head):
    compressed = deflated(head + random.Random(1).randbytes(200))
    tx = tx_with(payload_script(counted(3, compressed[:77])))
    assert read_carrier(tx, lambda _: None) is None


@pytest.mark.parametrize("head", [b"{", b" \t\r\n{", b" " * 300_000])
def test_C6_a_missing_parent_matters_to_a_text_that_may_be_an_object(head):
    compressed = deflated(head + random.Random(1).randbytes(200))
    tx = tx_with(payload_script(counted(3, compressed[:77])))
    with pytest.raises(SourceIncomplete):
        read_carrier(tx, lambda _: None)


def test_C6_another_transaction_in_the_place_of_a_parent_is_a_source_without_it():
    txs = chain_of(encode_payloads(b'{"x":"' + text_of(150).hex().encode() + b'"}'))
    lie = tx_with(payload_script(b"lie"))
    with pytest.raises(SourceIncomplete, match="gives another"):
        read_carrier(txs[0], lambda _: lie)


def test_C6_255_announced_with_unknown_parents_costs_one_question():
    asked: list[bytes] = []
    tx = tx_with(payload_script(counted(255, deflated(b"{" + bytes(99))[:9])))
    with pytest.raises(SourceIncomplete):
        read_carrier(tx, asked.append)
    assert len(asked) == 1


def test_255_payloads_are_read():
    compressed = deflated(REGISTER).ljust(77 + 254 * 80, b"\0")
    payloads = [counted(255, compressed[:77])]
    payloads += [compressed[at : at + 80] for at in range(77, len(compressed), 80)]
    assert len(payloads) == 255
    assert read(*payloads).text == REGISTER


def test_more_payloads_than_announced_ask_for_no_further_parent():
    parent = tx_with(payload_script(b"a"), payload_script(b"b"), payload_script(b"c"))
    primary = tx_with(payload_script(counted(3, deflated(b"{")[:2])), parent=parent)
    assert read_carrier(primary, known([parent])) is None


def test_Q14_a_continuation_that_looks_like_a_first_payload_is_judged_alone():
    compressed = deflated(text_of(150))
    parent = tx_with(payload_script(counted(7, compressed[77:])))
    assert carrier_count(parent) == 7
    assert read_carrier(parent, lambda _: None) is None
