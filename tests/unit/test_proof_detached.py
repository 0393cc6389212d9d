"""Judging a `.ots` file on its own, by headers (transparency spec R40, attacks 44 to 47)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.bitcoin import MAIN, REGTEST, BlockHeader
from lodestamp.core.proof import BitcoinTrust, verify_detached
from lodestamp.core.timestamps import (
    KECCAK256,
    SHA256,
    BitcoinHeader,
    Detached,
    EthereumHeader,
    Op,
    Pending,
    Timestamp,
    attested,
    encode_detached,
    lead_to,
)
from lodestamp.core.verdict import Status

FILE = b"the report\n"
DIGEST = sha256(FILE).digest()
TARGET_LIMIT = 0x207FFFFF


def mined(merkle, prev=bytes(32), time=1_700_000_000):
    """Return a header of regtest with its work: about two tries."""
    nonce = 0
    while True:
        header = BlockHeader(4, prev, merkle, time, TARGET_LIMIT, nonce)
        if header.hash[::-1] < bytes.fromhex("7fffff") + bytes(29):
            return header
        nonce += 1


def source(*attestations, ops=(SHA256,), digest=DIGEST, file_op=SHA256):
    message = digest
    for op in ops:
        message = op(message)
    timestamp = lead_to(digest, ops, attested(message, *attestations))
    return encode_detached(Detached(file_op, timestamp))


MERKLE = sha256(DIGEST).digest()
HEADER = mined(MERKLE)


def judged(data, run=(HEADER,), pieces=(FILE,), network="regtest", **trust):
    return verify_detached(
        data, pieces, lambda height: run if height == 7 else (), network=network, **trust
    )


def code(verdict):
    return [leg.code for leg in verdict.legs if leg.code]


def test_a_file_whose_root_is_in_the_header_is_established_no_later_than_it():
    verdict = judged(source(BitcoinHeader(7)))
    assert (verdict.verdict, verdict.exit_code) == (Status.ESTABLISHED, 0)
    facts = verdict.leg("time").facts
    assert (facts["height"], facts["time"], facts["not_after"]) == (
        7,
        HEADER.time,
        HEADER.time + 7200,
    )
    assert (facts["hash"], facts["network"]) == (HEADER.hash_display, "regtest")


def test_another_root_at_the_height_is_refuted():
    """Attacks 45 and 46: the wrong height, or a stamp that leads elsewhere."""
    verdict = judged(source(BitcoinHeader(7)), (mined(bytes(32)),))
    assert (verdict.exit_code, code(verdict)) == (1, ["time.root_mismatch"])


def test_a_lone_cheap_header_proves_nothing_on_main():
    """Attack 47."""
    verdict = judged(source(BitcoinHeader(7)), network="main")
    assert code(verdict) == ["time.bits_invalid"]
    easiest = BlockHeader(1, bytes(32), MERKLE, 1_700_000_000, MAIN.genesis.bits, 0)
    verdict = judged(source(BitcoinHeader(7)), (easiest,), network="main")
    assert (verdict.exit_code, code(verdict)) == (1, ["time.pow_invalid"])


def test_a_run_with_a_broken_link_is_refuted():
    """Attack 48."""
    run = (HEADER, mined(bytes(32), bytes(32)))
    assert code(judged(source(BitcoinHeader(7)), run)) == ["time.pow_invalid"]


def test_a_pinned_block_stands_and_one_at_another_height_refutes():
    for height, expected in ((7, []), (8, ["time.checkpoint_conflict"])):
        trust = BitcoinTrust(network="regtest", pins={HEADER.hash: height})
        assert code(judged(source(BitcoinHeader(7)), bitcoin=trust)) == expected


class Chain:
    network = REGTEST

    def __init__(self, header, confirmations):
        self.header, self.count = header, confirmations

    def hash_at(self, height):
        return self.header.hash if height == 7 else None

    def confirmations(self, block_hash):
        return self.count if block_hash == self.header.hash else 0


def test_a_best_chain_with_another_block_there_refutes():
    chain = Chain(mined(bytes(32)), 100)
    assert code(judged(source(BitcoinHeader(7)), headers=chain)) == ["time.not_in_best_chain"]
    assert judged(source(BitcoinHeader(7)), headers=Chain(HEADER, 6)).exit_code == 0


@pytest.mark.parametrize(
    "attestation", [Pending("https://a.example"), EthereumHeader(7)], ids=["pending", "ethereum"]
)
def test_what_no_bitcoin_block_attests_is_pending(attestation):
    verdict = judged(source(attestation))
    assert (verdict.exit_code, code(verdict)) == (2, ["time.pending"])
    assert verdict.leg("time").facts["waiting"] == [str(attestation)]


def test_without_a_header_nothing_is_established():
    verdict = judged(source(BitcoinHeader(7)), run=())
    assert (verdict.exit_code, code(verdict)) == (2, ["time.no_header"])


def test_another_file_is_refuted_and_an_absent_one_unknown():
    data = source(BitcoinHeader(7))
    assert code(judged(data, pieces=(b"another",))) == ["content.digest_mismatch"]
    absent = judged(data, pieces=None)
    assert (absent.exit_code, code(absent)) == (2, ["content.bytes_absent"])


def test_a_large_file_of_a_slow_hash_is_unknown():
    data = source(BitcoinHeader(7), digest=bytes(32), file_op=KECCAK256)
    verdict = judged(data, pieces=(bytes(1 << 20), b"x"), run=())
    assert code(verdict) == ["content.too_large", "time.no_header"]


def test_of_several_blocks_one_refuted_refutes_and_else_the_earliest_counts():
    late = mined(SHA256(DIGEST + b"late"), time=1_700_009_999)
    edges = tuple(
        (op, lead_to(op(DIGEST), [SHA256], attested(SHA256(op(DIGEST)), BitcoinHeader(height))))
        for op, height in ((Op.append(b"late"), 9), (Op.append(b"lost"), 11))
    )
    early = (SHA256, attested(MERKLE, BitcoinHeader(7), Pending("https://a.example")))
    both = encode_detached(Detached(SHA256, Timestamp(DIGEST, (), (early, edges[0]))))
    runs = {7: (HEADER,), 9: (late,), 11: (HEADER,)}
    verdict = verify_detached(both, (FILE,), lambda at: runs[at], network="regtest")
    assert (verdict.exit_code, verdict.leg("time").facts["height"]) == (0, 7)
    del runs[7]
    verdict = verify_detached(both, (FILE,), lambda at: runs.get(at, ()), network="regtest")
    assert (verdict.exit_code, verdict.leg("time").facts["height"]) == (0, 9)
    three = encode_detached(Detached(SHA256, Timestamp(DIGEST, (), (early, *edges))))
    verdict = verify_detached(three, (FILE,), lambda at: runs.get(at, ()), network="regtest")
    assert code(verdict) == ["time.root_mismatch"]


def test_a_message_that_is_no_merkle_root_is_refuted():
    verdict = judged(source(BitcoinHeader(7), ops=(Op.append(b"x"),)))
    assert code(verdict) == ["time.bad_ots"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "format.bad_ots"),
        (source(BitcoinHeader(7)) + b"\x00", "format.bad_ots"),
        (source(BitcoinHeader(7))[:65] + b"\x08" * 256, "format.limit"),
    ],
)
def test_what_is_no_timestamp_file_is_refuted(data, expected):
    verdict = judged(data)
    assert verdict.exit_code == 1
    assert code(verdict) == [expected, "content.blocked", "time.blocked"]


def test_every_byte_flipped_in_turn_establishes_nothing_else():
    """Attack 26, for these files."""
    data = source(BitcoinHeader(7))
    for at in range(len(data)):
        for mask in (0x01, 0x80):
            flipped = data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
            assert judged(flipped).verdict is not Status.ESTABLISHED
