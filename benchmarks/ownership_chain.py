"""Synthetic blocks for the benchmarks of ownership: a legacy chain, really signed, and segwit.

The shapes are those of the ownership spec's measures: a legacy chain of 200 transactions a block
with one registration and one tip in each and 5 % foreign OP_RETURN; and blocks of 2,500 segwit
transactions of which 25 % carry an OP_RETURN as Runes do.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from lodestamp.core.bitcoin import (
    REGTEST,
    SIGHASH_ALL,
    BlockHeader,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    compact_size,
    ecdsa_sign,
    hash160,
    meets_target,
    merkle_root,
    public_key,
    push_bytes,
)
from lodestamp.core.ownership import encode_payloads, heart_script, payload_script

TXS_LEGACY = 200
TXS_SEGWIT = 2_500
_FOREIGN = 0.05
_RUNES = 0.25
_CHANGE = 10_000
_UNSEEN = TxOut(0, b"")


def legacy_chain(blocks: int, seed: int) -> list[bytes]:
    """Return raw blocks whose every input is P2PKH and really signed."""
    draw = Random(seed)
    keys = [_Key(draw) for _ in range(32)]
    raws: list[bytes] = []
    prev, registered = bytes(32), b""
    for height in range(1, blocks + 1):
        sha1 = draw.randbytes(20)
        registering = payload_script(encode_payloads(_register(sha1, draw))[0])
        txs = [_coinbase(height)]
        for index in range(1, TXS_LEGACY):
            scripts = [draw.choice(keys).script for _ in range(2)]
            if index == 7:
                scripts.append(registering)
            elif index == 90 and registered:
                scripts = [heart_script(registered.hex()), keys[0].script, scripts[0]]
            elif draw.random() < _FOREIGN:
                scripts.append(b"\x6a" + push_bytes(draw.randbytes(draw.randrange(4, 81))))
            key = keys[0] if index == 7 else draw.choice(keys[1:])
            txs.append(key.signed(draw, scripts))
        raw = _mined(prev, height, txs)
        prev, registered = BlockHeader.decode(raw[:80]).hash, sha1
        raws.append(raw)
    return raws


def registering_chain(blocks: int, each: int, seed: int) -> list[bytes]:
    """Return regtest's blocks from height 1 on, each with so many registrations, really signed."""
    draw = Random(seed)
    keys = [_Key(draw) for _ in range(32)]
    raws: list[bytes] = []
    prev = REGTEST.genesis.hash
    for height in range(1, blocks + 1):
        txs = [_coinbase(height)]
        for _ in range(each):
            payload = encode_payloads(_register(draw.randbytes(20), draw))[0]
            key = draw.choice(keys)
            txs.append(key.signed(draw, [key.script, payload_script(payload)]))
        raws.append(_mined(prev, height, txs))
        prev = BlockHeader.decode(raws[-1][:80]).hash
    return raws


def segwit_blocks(blocks: int, seed: int, *, gated: float = 0.0) -> list[bytes]:
    """Return raw blocks of segwit transactions; a share of the blocks has one heart."""
    draw = Random(seed)
    raws: list[bytes] = []
    prev = bytes(32)
    every = round(1 / gated) if gated else 0
    for height in range(1, blocks + 1):
        txs = [_coinbase(height)]
        for index in range(1, TXS_SEGWIT):
            outputs = [TxOut(_CHANGE, b"\x00\x14" + draw.randbytes(20)) for _ in range(2)]
            if every and index == 999 and height % every == 0:
                outputs.append(TxOut(0, heart_script(draw.randbytes(20).hex())))
            elif draw.random() < _RUNES:
                outputs.append(TxOut(0, b"\x6a\x5d" + push_bytes(draw.randbytes(24))))
            witness = (b"\x30" + draw.randbytes(70), b"\x02" + draw.randbytes(32))
            spend = TxIn(OutPoint(draw.randbytes(32), draw.randrange(4)), witness=witness)
            txs.append(Transaction(2, (spend,) * draw.choice((1, 1, 2)), tuple(outputs)))
        raw = _mined(prev, height, txs)
        prev = BlockHeader.decode(raw[:80]).hash
        raws.append(raw)
    return raws


class _Key:
    """A key, its P2PKH script, and what it signs."""

    def __init__(self, draw: Random) -> None:
        self._secret = draw.randbytes(31).rjust(32, b"\x01")
        self._public = public_key(self._secret)
        self.script = b"\x76\xa9\x14" + hash160(self._public) + b"\x88\xac"

    def signed(self, draw: Random, scripts: list[bytes]) -> Transaction:
        """Return a transaction of one input, signed with SIGHASH_ALL."""
        spend = TxIn(OutPoint(draw.randbytes(32), draw.randrange(4)))
        outputs = tuple([TxOut(0 if each[0] == 0x6A else _CHANGE, each) for each in scripts])
        tx = Transaction(1, (spend,), outputs)
        digest = SignatureHashes(tx, (_UNSEEN,)).legacy(0, self.script, SIGHASH_ALL)
        signature = ecdsa_sign(digest, self._secret) + b"\x01"
        script_sig = push_bytes(signature) + push_bytes(self._public)
        return replace(tx, inputs=(replace(spend, script_sig=script_sig),))


def _register(sha1: bytes, draw: Random) -> bytes:
    return b'{"op":"r","sha1":"%b","title":"%d"}' % (sha1.hex().encode(), draw.randrange(10**6))


def _coinbase(height: int) -> Transaction:
    script = push_bytes(height.to_bytes(4, "little"))
    null = OutPoint(bytes(32), 0xFFFFFFFF)
    return Transaction(1, (TxIn(null, script),), (TxOut(5_000_000_000, b"\x51"),))


def _mined(prev: bytes, height: int, txs: list[Transaction]) -> bytes:
    root, _ = merkle_root([tx.txid for tx in txs])
    header = BlockHeader(4, prev, root, 1_600_000_000 + height, REGTEST.pow_limit_bits, 0)
    while not meets_target(header.hash, header.bits):
        header = replace(header, nonce=header.nonce + 1)
    return header.encode() + compact_size(len(txs)) + b"".join(tx.encode() for tx in txs)
