"""Blocks judged as a scanner would, without one, for tests of what is written."""

from __future__ import annotations

from lodestamp.core.bitcoin import Block
from lodestamp.core.ownership import (
    BlockInput,
    CarrierInput,
    HeartInput,
    Rules,
    State,
    apply_block,
    attribute,
    candidates,
    read_carrier,
)

RULES = Rules.strict("regtest")


def block_input(source, height, rules=RULES):
    """What the rules need of a block of the best chain."""
    block_hash = source.block_hash(height)
    raw = source.raw_block(block_hash)
    hearts, carriers = [], []
    for found in candidates(raw):
        tx = found.tx
        owners = attribute(tx, lambda: source.prevouts(block_hash, found.tx_index), height, rules)  # noqa: B023
        if found.heart is not None:
            hearts.append(HeartInput(tx, tx.txid, found.tx_index, found.heart, owners))
        carrier = read_carrier(tx, source.transaction) if found.is_primary else None
        if carrier is not None:
            carriers.append(CarrierInput(tx, tx.txid, found.tx_index, carrier.text, owners))
    return BlockInput(height, block_hash, tuple(hearts), tuple(carriers))


def follow(source, state, rules=RULES):
    """Bring a state up to the tip; return the effects that are not empty."""
    effects = []
    while state.height < source.tip().height:
        effect = apply_block(state, block_input(source, state.height + 1, rules), rules)
        effects.append(effect)
    return [each for each in effects if not each.is_empty or each.rejected]


def scanned(source, rules=RULES):
    """The state at the tip, from the beginning."""
    state = State(rules.start_height - 1)
    follow(source, state, rules)
    return state


def decoded(raw):
    """A block from its bytes."""
    return Block.decode(raw)
