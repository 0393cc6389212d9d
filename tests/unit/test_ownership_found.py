"""Spans, candidates and carriers as values."""

from __future__ import annotations

from carriers import tx_with
from lodestamp.core.ownership import Candidate, Carrier, TxSpan
from owners import ALICE, spend


def test_a_span_gives_the_txid_of_either_form():
    for tx in (tx_with(b"\x6a"), spend((ALICE, "p2wpkh"))[0]):
        encoded = tx.encode()
        marked = 2 * tx.has_witness
        stripped = len(tx.encode(witness=False))
        span = TxSpan(3, 9, 13 + marked, 9 + marked + stripped - 4, 9 + len(encoded))
        assert span.txid(bytes(9) + encoded + b"after") == tx.txid


def test_a_candidate_is_parsed_on_demand():
    tx = spend((ALICE, "p2tr"))[0]
    found = Candidate(1, 81, tx.encode(), is_primary=False, heart=None)
    assert found.tx == tx


def test_a_carrier_joins_its_compressed_bytes():
    first = b"\x1f\x00\x02" + b"a" * 77 + b"not these"
    carrier = Carrier((first, b"b" * 200), b"text", ())
    assert carrier.compressed == b"a" * 77 + b"b" * 200
