"""Small worlds of Open Publish: people, what they do, and the raw blocks in which they do it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lodestamp.core.bitcoin import (
    REGTEST,
    SIGHASH_NONE,
    Block,
    BlockHeader,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    merkle_root,
)
from lodestamp.core.ownership import encode_payloads, heart_script, payload_script
from owners import Key, outpoint, p2sh, signed

PEOPLE = tuple(Key(name) for name in ("alice", "bob", "carol", "dave"))
WORKS = tuple(f"{n:02x}" * 20 for n in (0xA1, 0xB2, 0xC3))
COINBASE = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\x01\x01")
ELSEWHERE = p2sh(b"\x51")
"""A script that bears an owner with extension E1, though nobody here has it."""


def script_of(who: int | None) -> bytes:
    """The P2PKH script of a person; None is nobody's."""
    return PEOPLE[who].script("p2pkh") if who is not None else b"\x51"


@dataclass
class Press:
    """Makes transactions; no two are the same, and nothing is random."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count()

    def tx(
        self,
        signers: Sequence[int | None],
        outputs: Sequence[tuple[int, bytes]],
        parent: Transaction | None = None,
    ) -> Transaction:
        """A transaction with an input of each signer; None does not sign. The last may spend."""
        label = next(self._numbers)
        inputs = [TxIn(outpoint(f"{label} {n}")) for n in range(len(signers))]
        if parent is not None:
            inputs[-1] = replace(inputs[-1], prevout=OutPoint(parent.txid, 1))
        outs = tuple(TxOut(amount, script) for amount, script in outputs)
        made = Transaction(1, tuple(inputs), outs)
        spent = [TxOut(0, b"")] * len(signers)
        for at, who in enumerate(signers):
            if who is not None:
                made = signed(made, at, spent, PEOPLE[who], "p2pkh")
        return made

    def carrier(
        self, text: dict, signers: Sequence[int | None], outputs: Sequence[tuple[int, bytes]], at=0
    ) -> list[Transaction]:
        """The transactions that carry a text, parents first; the carrier output goes to `at`."""
        first, *rest = encode_payloads(json.dumps(text).encode())
        made: list[Transaction] = []
        for payload in reversed(rest):
            outs = [(0, payload_script(payload)), (500, script_of(0))]
            made.append(self.tx([0], outs, made[-1] if made else None))
        outs = list(outputs)
        outs.insert(at, (0, payload_script(first)))
        return [*made, self.tx(signers, outs, made[-1] if made else None)]

    def register(self, who: int | None, work: int, **more) -> list[Transaction]:
        """A registration of a work by the owner of the first input."""
        return self.carrier(
            {"op": "r", "sha1": WORKS[work], **more}, [who], [(500, script_of(who))]
        )

    def transfer(
        self,
        work: int,
        value: object,
        seller: int,
        signers: Sequence[int | None],
        *,
        price: int = 900,
        layout: str = "A",
    ) -> list[Transaction]:
        """A transfer; `layout` A or B, or ``bad`` with the carrier where it counts for nothing."""
        text = {"op": "t", "sha1": WORKS[work], "value": value, "ttl": 365}
        payment, change = (price, script_of(seller)), (400, script_of(None))
        if layout == "A":
            return self.carrier(text, signers, [payment, change, change], 2)
        if layout == "B":
            return self.carrier(text, signers, [change, payment], 0)
        return self.carrier(text, signers, [payment, change], 1)

    def heart(
        self, work: int, signers: Sequence[int | None], paid: Sequence[tuple[int, int | None]]
    ) -> list[Transaction]:
        """A heart for a work; `paid` are amounts and people, None being a script of no person."""
        outs = [(amount, ELSEWHERE if who is None else script_of(who)) for amount, who in paid]
        return [self.tx(signers, [(0, heart_script(WORKS[work])), *outs])]

    def forged(self, work: int, who: int) -> list[Transaction]:
        """A registration whose signature does not bind its outputs."""
        text = {"op": "r", "sha1": WORKS[work]}
        tx = self.carrier(text, [None], [])[-1]
        spent = [TxOut(0, b"")]
        return [signed(tx, 0, spent, PEOPLE[who], "p2pkh", hash_type=SIGHASH_NONE)]


def raw_block(txs: Sequence[Transaction], previous: bytes, height: int) -> bytes:
    """A block with proof of work behind another."""
    coinbase = Transaction(
        1, (replace(COINBASE, script_sig=b"\x04" + height.to_bytes(4, "little")),), (TxOut(0, b""),)
    )
    every = (coinbase, *txs)
    root, _ = merkle_root([tx.txid for tx in every])
    header = BlockHeader(4, previous, root, 1_790_000_000 + height, REGTEST.pow_limit_bits, 0)
    while header.hash[::-1] >= b"\x7f\xff\xff":
        header = replace(header, nonce=header.nonce + 1)
    return Block(header, every).encode()


def raw_chain(blocks: Sequence[Sequence[Transaction]]) -> list[bytes]:
    """Blocks of these transactions, one behind the other, from height 1."""
    raws: list[bytes] = []
    previous = REGTEST.genesis.hash
    for height, txs in enumerate(blocks, 1):
        raws.append(raw_block(txs, previous, height))
        previous = BlockHeader.decode(raws[-1][:80]).hash
    return raws
