"""Chains of headers for tests, with real work on targets that are cheap."""

from __future__ import annotations

from dataclasses import replace

from lodestamp.core.bitcoin import REGTEST, BlockHeader, HeaderChain, NetworkParams, meets_target

MINI = replace(REGTEST, name="mini", is_retargeting=True, has_min_difficulty_rule=False)
"""Regtest targets under the difficulty rules of main."""


def worked(header: BlockHeader) -> BlockHeader:
    """The header with a nonce that meets its target."""
    while not meets_target(header.hash, header.bits):
        header = replace(header, nonce=header.nonce + 1)
    return header


def following(
    chain: HeaderChain, *, time: int | None = None, bits: int | None = None, merkle: bytes = b""
) -> BlockHeader:
    """A header that extends a chain, ten minutes later unless told otherwise."""
    tip = chain.tip
    header = BlockHeader(
        0x20000000,
        tip.hash,
        merkle.ljust(32, b"\0"),
        tip.header.time + 600 if time is None else time,
        tip.header.bits if bits is None else bits,
        0,
    )
    return worked(header)


def grown(net: NetworkParams, count: int, **options: object) -> HeaderChain:
    """A chain of `count` headers upon the genesis."""
    from lodestamp.core.bitcoin import extend

    chain = HeaderChain.genesis(net)
    for _ in range(count):
        chain = extend(chain, following(chain, **options))
    return chain


def run_of(chain: HeaderChain, start: int = 0) -> list[BlockHeader]:
    """The headers of a chain from a height on."""
    return [entry.header for entry in chain.tip.ancestors() if entry.height >= start][::-1]
