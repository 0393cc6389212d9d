"""Carriers of the original encoders: the fixtures, and every carrier of the published chains."""

from __future__ import annotations

from carriers import known
from conftest import load_json
from lodestamp.core.bitcoin import Block, Transaction
from lodestamp.core.ownership import (
    Rules,
    attribute,
    candidates,
    carrier_count,
    check_header,
    check_tree,
    heart_of,
    may_contain,
    read_carrier,
)
from owners import never

FIXTURES = 2
CARRIERS = {"public": 49, "quirks": 53}
BLOCKS = 48 + 124


def test_the_fixtures_of_the_original_encoder_are_decoded(vectors):
    fixtures = load_json(vectors / "ownership" / "openpublish_fixtures.json")["blockcasts"]
    assert len(fixtures) == FIXTURES
    for case in fixtures:
        txs = [Transaction.decode(bytes.fromhex(raw)) for raw in case["txs"]]
        carrier = read_carrier(txs[0], known(txs))
        assert txs[0].txid_display == case["primary_txid"]
        assert carrier_count(txs[0]) == len(txs) == len(carrier.payloads)
        assert carrier.text.decode() == case["data"]
        owner = attribute(txs[0], never, 1, Rules.strict("test"))[0]
        assert owner is not None
        assert owner == attribute(txs[0], never, 1, Rules.peer_compat("test"))[0]


def scenarios(vectors, name):
    found = load_json(vectors / "ownership" / f"openpublish_{name}.json")
    return found.get("scenarios") or found["cases"]


def test_every_carrier_that_the_original_engine_decoded_is_decoded(vectors):
    for name, count in CARRIERS.items():
        decoded = 0
        for scenario in scenarios(vectors, name):
            txs: list[Transaction] = []
            for event in scenario["events"]:
                raw = bytes.fromhex(event["raw"])
                txs += Block.decode(raw).txs
                carriers = {
                    each.tx.txid_display: each.tx for each in candidates(raw) if each.is_primary
                }
                texts = {txid: read_carrier(tx, known(txs)) for txid, tx in carriers.items()}
                texts = {txid: found.text for txid, found in texts.items() if found}
                for effect in _connected(event):
                    expected = {op["txid"] for op in effect["valid_ops"] + effect["rejected"]}
                    assert texts.keys() == expected, (scenario["name"], event["height"])
                    decoded += len(expected)
        assert decoded == count


def _connected(event):
    effect = event.get("effect") or {"connected": []}
    return [each for each in effect["connected"] if each["hash"] == event["hash"]]


def test_blocks_are_linked_and_worked_and_nothing_in_them_is_missed(vectors):
    """R29, R31 on every block of the published chains."""
    count = 0
    for name in CARRIERS:
        for scenario in scenarios(vectors, name):
            for event in scenario["events"]:
                raw = bytes.fromhex(event["raw"])
                header = check_header(raw, bytes.fromhex(event["prev"])[::-1])
                assert header.hash_display == event["hash"]
                assert [txid[::-1].hex() for txid in check_tree(raw)] == event["txids"]
                full = Block.decode(raw).txs
                hits = [n for n, tx in enumerate(full) if carrier_count(tx) or heart_of(tx)]
                assert [each.tx_index for each in candidates(raw)] == hits
                assert may_contain(raw) or not hits
                count += 1
    assert count == BLOCKS
