"""Transactions to be judged: no signatures, for the owners of their inputs are given."""

from __future__ import annotations

import json

from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut
from lodestamp.core.ownership import (
    BlockEffect,
    BlockInput,
    CarrierInput,
    HeartInput,
    Owner,
    Rules,
    State,
    apply_block,
    heart_script,
)

STRICT, PEER = Rules.strict("regtest"), Rules.peer_compat("regtest")
SHA1 = "ab" * 20
ALICE, BOB, CAROL = (Owner(b"\x76\xa9\x14" + bytes([n]) * 20 + b"\x88\xac") for n in (1, 2, 3))
CARRIER = (0, b"\x6a\x03\x1f\x00\x01")
BARE = b"\x51"


def tx_of(*outputs: tuple[int, bytes]) -> Transaction:
    """A transaction with one input and these outputs."""
    outs = tuple(TxOut(amount, script) for amount, script in outputs)
    return Transaction(1, (TxIn(OutPoint(b"\x07" * 32, 0)),), outs)


def heart(*outputs: tuple[int, bytes], sha1: str = SHA1) -> Transaction:
    """A transaction with a heart and these outputs."""
    return tx_of((0, heart_script(sha1)), *outputs)


def sale(seller: bytes = ALICE, price: int = 900) -> Transaction:
    """A transfer in layout A that pays a seller."""
    return tx_of((price, seller), (1, BARE), CARRIER)


def register_op(sha1: object = SHA1, **more: object) -> dict[str, object]:
    return {"op": "r", "sha1": sha1, **more}


def transfer_op(value: object = 5, sha1: object = SHA1) -> dict[str, object]:
    return {"op": "t", "sha1": sha1, "value": value}


def registered(rules: Rules = STRICT, *moves: tuple[Owner, Owner, int]) -> State:
    """A state after block 1, in which Alice registered the work, and block 2 with these moves."""
    state = State(0)
    apply_block(state, block_of(1, carried(register_op(), (ALICE,), 99)), rules)
    carriers = [
        carried(transfer_op(units), (buyer, seller), 100 + at, sale(seller))
        for at, (seller, buyer, units) in enumerate(moves)
    ]
    effect = apply_block(state, block_of(2, *carriers), rules)
    assert len(effect.ops) == len(moves), effect.rejected
    return state


def carried(op: object, owners=(), at: int = 1, tx: Transaction | None = None) -> CarrierInput:
    """A carrier of an operation, or of a text, at an index."""
    text = op if isinstance(op, bytes) else json.dumps(op).encode()
    return CarrierInput(tx or tx_of(CARRIER), bytes([at]) * 32, at, text, owners)


def hearted(tx: Transaction, owners=(), at: int = 1, sha1: str = SHA1) -> HeartInput:
    """A heart at an index."""
    return HeartInput(tx, bytes([at]) * 32, at, sha1, owners)


def block_of(height: int, *found: CarrierInput | HeartInput) -> BlockInput:
    """A block with these candidates."""
    return BlockInput(
        height,
        bytes([height]) * 32,
        tuple(each for each in found if isinstance(each, HeartInput)),
        tuple(each for each in found if isinstance(each, CarrierInput)),
    )


def reasons(effect: BlockEffect) -> list[str]:
    """Why what was rejected was."""
    return [reason for _, _, reason in effect.rejected]
