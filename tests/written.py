"""Blocks judged as a scanner would, without one, for tests of what is written."""

from __future__ import annotations

import hashlib
import random

from chains import grown
from lodestamp.core.ownership import (
    BlockInput,
    CarrierInput,
    HeartInput,
    RegistrationText,
    Rules,
    State,
    apply_block,
    attribute,
    candidates,
    read_carrier,
)
from lodestamp.node.chains import MINER_SCRIPT, SecretSigner, SimulatedChain, key_scripts

ALICE = SecretSigner(bytes(31) + b"\x11", bytes)
BOB = SecretSigner(bytes(31) + b"\x12", bytes)
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


def parties(form, blocks=3):
    """A chain, two keys, and a state, with coins of one form of script for both keys."""
    source = SimulatedChain(grown(0))
    for signer in (ALICE, BOB):
        source.mine(blocks, key_scripts(signer)[form])
    source.mine(100, MINER_SCRIPT)
    return source, key_scripts(ALICE)[form], key_scripts(BOB)[form]


def registration(title="", data=b"a work"):
    """The text of a registration of some bytes; a random title makes it as long as needed."""
    return RegistrationText(
        hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        hashlib.sha256(data).digest(),
        name="work.bin",
        size=len(data),
        type="application/octet-stream",
        title=title or None,
    )


def noise(size):
    """Text that does not deflate to less than half of it."""
    return random.Random(size).randbytes(size).hex()
