"""Reading a raw block for the rules: what a whole parse gives, and asking for less (R9, R30)."""

from __future__ import annotations

import pytest

from blocks import block_of, coinbase
from carriers import tx_with
from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut
from lodestamp.core.ownership import (
    COMPRESSED_READ_MAX,
    Rules,
    State,
    apply_block,
    encode_payloads,
    heart_script,
    payload_script,
    read_block,
)
from lodestamp.errors import BlockMalformed, SourceIncomplete
from owners import ALICE, BOB, spend
from ownership_chains import ownership_vectors, replay

RULES = Rules.strict("regtest")
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
REGISTER = b'{"op":"r","sha1":"%b"}' % SHA1.encode()


def unknown(_):
    return None


def no_prevouts(_):
    raise AssertionError("a prevout was asked for")


def read(*txs, state=None, fetch=unknown, prevouts=no_prevouts):
    raw = block_of(coinbase(1), *txs).encode()
    return read_block(raw, state or State(0), RULES, fetch=fetch, prevouts=prevouts)


def registered() -> State:
    state = State(0)
    tx, _ = spend((ALICE, "p2pkh"), outputs=(TxOut(0, payload_script(_payload())),))
    apply_block(state, read(tx), RULES)
    assert state.registrant(SHA1) == ALICE.script("p2pkh")
    return state


def _payload() -> bytes:
    (payload,) = encode_payloads(REGISTER)
    return payload


def heart_tx(kind: str) -> tuple[Transaction, tuple[TxOut, ...]]:
    outputs = (TxOut(0, heart_script(SHA1)), TxOut(700, ALICE.script("p2pkh")))
    return spend((BOB, kind), outputs=outputs)


def test_a_block_without_operations_is_empty_and_is_not_walked():
    found = read(tx_with(b"\x6a\x03abc"))
    assert (found.height, found.hearts, found.carriers) == (1, (), ())
    raw = block_of(coinbase(1)).encode()
    assert read_block(raw[:-1], State(0), RULES, fetch=unknown, prevouts=no_prevouts).hearts == ()


def test_a_damaged_block_behind_the_gate_is_refused():
    raw = block_of(coinbase(1), tx_with(heart_script(SHA1))).encode()
    with pytest.raises(BlockMalformed):
        read_block(raw[:-1], State(0), RULES, fetch=unknown, prevouts=no_prevouts)


def test_R9_a_heart_of_an_unregistered_work_asks_for_nothing_and_is_left_out():
    tx, _ = heart_tx("p2wpkh")
    assert read(tx).hearts == ()


def test_R9_a_heart_of_a_registered_work_asks_for_what_its_transaction_spends():
    tx, spent = heart_tx("p2wpkh")
    asked = []

    def prevouts(index):
        asked.append(index)
        return spent

    (heart,) = read(coinbase(2), tx, state=registered(), prevouts=prevouts).hearts
    assert (heart.tx, heart.txid, heart.tx_index, heart.sha1) == (tx, tx.txid, 2, SHA1)
    assert heart.owners == (BOB.script("p2wpkh"),)
    assert asked == [2]


@pytest.mark.parametrize("text", [b"{}", b'{"op":"n","sha1":"x"}', b"no JSON"])
def test_R9_a_carrier_without_a_well_formed_operation_asks_for_nothing(text):
    (payload,) = encode_payloads(text)
    tx, _ = spend((ALICE, "p2wpkh"), outputs=(TxOut(0, payload_script(payload)),))
    (carrier,) = read(tx).carriers
    assert (carrier.text, carrier.owners) == (text, ())


def several() -> list[Transaction]:
    """Return the transactions of a carrier of several parts, the primary last."""
    noise = b"".join(b"%d" % (n * 7919) for n in range(90))
    text = REGISTER[:-1] + b',"name":"' + noise + b'"}'
    payloads = encode_payloads(text)
    assert len(payloads) > 2
    made: list[Transaction] = []
    for payload in reversed(payloads):
        inputs = (TxIn(OutPoint(made[-1].txid, 1)),) if made else (TxIn(OutPoint(b"\1" * 32, 1)),)
        made.append(Transaction(1, inputs, (TxOut(0, payload_script(payload)), TxOut(1, b"\x51"))))
    return made


def test_R30_parents_come_from_the_same_block_before_the_source_is_asked():
    *parents, primary = several()
    asked = []
    (carrier,) = read(*parents, primary, fetch=asked.append).carriers
    assert carrier.tx == primary
    assert asked == []


def test_R30_parents_of_earlier_blocks_come_from_the_source():
    *parents, primary = several()
    by_txid = {tx.txid: tx for tx in parents}
    asked = []

    def fetch(txid):
        asked.append(txid)
        return by_txid[txid]

    (carrier,) = read(parents[-1], primary, fetch=fetch).carriers
    assert carrier.tx == primary
    assert asked == [tx.txid for tx in parents[:-1][::-1]]


def test_C6_a_parent_that_cannot_be_had_stops_the_block():
    *_, primary = several()
    with pytest.raises(SourceIncomplete):
        read(primary)


def test_it_reads_what_parsing_every_transaction_reads():
    """On the published chains: the same carriers, and the same hearts but those of no effect."""
    for scenario in ownership_vectors("public")["scenarios"]:
        events = [event for event in scenario["events"] if "effect" in event]
        if any(event["effect"]["disconnected"] for event in events):
            continue
        chain, state = replay(events, RULES), State(0)
        for event in events:
            raw = bytes.fromhex(event["raw"])
            block = read_block(raw, state, RULES, fetch=chain.txs.get, prevouts=no_prevouts)
            effect = apply_block(state, block, RULES)
            assert effect == chain.effects[effect.height - 1]


def test_a_parent_that_a_thousand_carriers_name_is_read_once():
    """Else a block with one large parent would cost its size for each of them."""
    parent = Transaction(
        1, (TxIn(OutPoint(b"\1" * 32, 1)),), tuple(TxOut(1, b"\x51") for _ in range(1_000))
    )
    head = encode_payloads(REGISTER)[0]
    payload = head[:2] + b"\x02" + head[3:]
    primaries = [
        Transaction(1, (TxIn(OutPoint(parent.txid, n)),), (TxOut(0, payload_script(payload)),))
        for n in range(1_000)
    ]
    asked = []

    def fetch(txid):
        asked.append(txid)
        return parent

    assert read(*primaries, fetch=fetch).carriers == ()
    assert asked == [parent.txid]


def test_what_has_outgrown_every_carrier_asks_for_no_more_parents():
    head = encode_payloads(REGISTER)[0]
    big = TxOut(0, payload_script(bytes(COMPRESSED_READ_MAX)))
    parent = Transaction(1, (TxIn(OutPoint(b"\1" * 32, 1)),), (big, TxOut(1, b"\x51")))
    primary = Transaction(
        1,
        (TxIn(OutPoint(parent.txid, 1)),),
        (TxOut(0, payload_script(head[:2] + b"\xff" + head[3:])),),
    )
    assert read(parent, primary).carriers == ()
