"""One hash per height: the effect of a block as bytes, and the chain of states (R24-R26).

>>> effect_bytes(BlockEffect(1, bytes(32)))
b'{"height":1,"ops":[],"payments":[],"tips":[]}'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from lodestamp.core.encoding import JsonObject, JsonValue, canonical_json
from lodestamp.core.ownership.effects import (
    BlockEffect,
    DividendPayment,
    Operation,
    Owner,
    Registration,
    Tip,
)
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.ownership.state import State

STATE_TAG: Final = b"lodestamp/ownership/state/1"
"""What separates the first state hash from every other hash."""


def effect_bytes(effect: BlockEffect) -> bytes:
    """Return the canonical JSON of what a block changed, which is what is hashed (R25).

    What was rejected, and why, is no part of it.
    """
    return canonical_json(effect_fields(effect))


def effect_fields(effect: BlockEffect) -> JsonObject:
    """Return the object that `effect_bytes` writes: owners as hex, hashes as people read them."""
    ops: list[JsonValue] = [_operation_fields(op) for op in effect.ops]
    payments: list[JsonValue] = [_flow_fields(each) for each in effect.payments]
    tips: list[JsonValue] = [_flow_fields(each) for each in effect.tips]
    return {"height": effect.height, "ops": ops, "payments": payments, "tips": tips}


def first_state_hash(rules: Rules) -> bytes:
    """Return the hash before the first block: of the rules alone (R24). 32 bytes."""
    return sha256(STATE_TAG + rules.rules_id).digest()


def next_state_hash(previous: bytes, block_hash: bytes, effect: BlockEffect) -> bytes:
    """Return the state hash after a block, given the one before it (R24). 32 bytes each.

    `block_hash` is in internal order. Empty blocks count too.
    """
    return sha256(previous + block_hash + sha256(effect_bytes(effect)).digest()).digest()


def balances_bytes(tables: Iterable[tuple[str, Mapping[Owner, int]]]) -> bytes:
    """Return the canonical JSON of tables: each work, each owner's script in hex, his units."""
    rows: JsonObject = {}
    for sha1, table in tables:
        rows[sha1] = {owner.hex(): amount for owner, amount in table.items()}
    return canonical_json(rows)


def balances_hash(state: State) -> bytes:
    """Return SHA-256 over all tables (R26): for snapshots, whatever the start or the history."""
    return sha256(balances_bytes(state.tables())).digest()


def _operation_fields(op: Operation) -> JsonObject:
    shared: JsonObject = {"index": op.tx_index, "sha1": op.sha1, "txid": op.txid[::-1].hex()}
    if isinstance(op, Registration):
        text = sha256(op.text).hexdigest()
        return {**shared, "op": "r", "addr": op.registrant.hex(), "text": text}
    return {
        **shared,
        "op": "t",
        "from": op.asset_owner.hex(),
        "to": op.bitcoin_owner.hex(),
        "value": op.asset_value,
        "sat": op.bitcoin_value,
    }


def _flow_fields(flow: Tip | DividendPayment) -> JsonObject:
    return {
        "amount": flow.amount,
        "index": flow.tx_index,
        "sha1": flow.sha1,
        "to": flow.destination.hex(),
        "txid": flow.txid[::-1].hex(),
    }
