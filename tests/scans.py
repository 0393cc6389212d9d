"""Chains of works that are registered, moved and tipped, for scanners to read."""

from __future__ import annotations

from random import Random

from lodestamp.core.bitcoin import REGTEST, BlockHeader
from publishing import PEOPLE, WORKS, Press, raw_block


def busy_blocks(count, seed=1, *, previous=REGTEST.genesis.hash, height=1, press=None):
    """Raw blocks behind `previous`, each with something to judge: some of it holds, some not."""
    draw = Random(seed)
    press = press or Press()
    raws = []
    for at in range(height, height + count):
        txs = [tx for _ in range(draw.randrange(6)) for tx in _something(press, draw, at)]
        raws.append(raw_block(txs, previous, at))
        previous = BlockHeader.decode(raws[-1][:80]).hash
    return raws


def _something(press, draw, height):
    work, who, other = draw.randrange(len(WORKS)), *draw.sample(range(len(PEOPLE)), 2)
    match draw.randrange(5):
        case 0:
            return press.register(who, work)
        case 1:  # a carrier of several parts
            return press.register(who, work, title=draw.randbytes(150).hex(), uri=str(height))
        case 2 | 3:
            value = draw.choice((1, 1_000, 20_000, 99_999_999))
            return press.transfer(work, value, who, [other, who], layout=draw.choice("AB"))
        case _:
            return press.heart(work, [who], [(draw.randrange(1, 9_999), other)])


def headed(raws):
    """The hash of the last of some raw blocks."""
    return BlockHeader.decode(raws[-1][:80]).hash
