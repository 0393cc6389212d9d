"""Headers from a file: what a verifier without a home knows of the best chain (R66, R75).

The file is raw headers of 80 bytes each, from the genesis block of its network on: what `anchor
headers import` reads too. Every rule that needs no transactions is applied to each, and the blocks
this release knows of the network must be among them, so whoever wrote the file need not be
trusted for more than that no heavier chain was left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, Self

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    ChainEntry,
    HeaderChain,
    NetworkParams,
    extend_run,
)
from lodestamp.errors import BadHeader, MalformedBlock, SourceError
from lodestamp.node.blocks import unreadable
from lodestamp.node.progress import Progress

PERIOD: Final = 2_016
"""Headers of a period of difficulty; the rules look no further back than to the one before."""
READ_AT_ONCE: Final = 10 * PERIOD
"""Headers read and checked at once: 1.6 MB."""


class HeaderFile:
    """The chain that a file of headers holds: a hash for each height, 32 bytes each."""

    def __init__(self, network: NetworkParams, hashes: bytes) -> None:
        self.network = network
        self._hashes = hashes

    @classmethod
    def read(cls, path: Path, network: NetworkParams, progress: Progress | None = None) -> Self:
        """Read and check a file: 900,000 headers take some seconds and 29 MB.

        SourceError when it cannot be read, is no whole number of headers from the network's genesis
        on, breaks a rule at some height, or lacks a block that this release knows there.
        """
        try:
            total = path.stat().st_size
            with path.open("rb") as file:
                hashes = _checked(file, network, total, progress)
        except OSError as error:
            raise unreadable(path, error) from error
        except (BadHeader, MalformedBlock) as error:
            raise _refused(path, error.message) from error
        found = cls(network, hashes)
        for pin, height in network.pins.items():
            if found.hash_at(height) != pin:
                shown = pin[::-1].hex()
                raise _refused(path, f"it lacks block {height:,} of {network}, which is {shown}")
        return found

    @property
    def count(self) -> int:
        """How many headers there are; the tip is at one less."""
        return len(self._hashes) // 32

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash at a height, internal byte order; None above the tip."""
        if not 0 <= height < self.count:
            return None
        return self._hashes[32 * height : 32 * height + 32]

    def confirmations(self, block_hash: bytes) -> int:
        """Return how many headers stand from this one on, it included; 0 when it is not there."""
        at = self._hashes.find(block_hash)
        while at >= 0 and at % 32:
            at = self._hashes.find(block_hash, at + 1)
        return self.count - at // 32 if at >= 0 else 0


def _checked(
    file: BinaryIO, network: NetworkParams, total: int, progress: Progress | None
) -> bytes:
    """Return the hashes of all headers; BadHeader or MalformedBlock as `extend_run`."""
    if file.read(HEADER_SIZE) != network.genesis.encode():
        raise BadHeader("genesis", f"it does not begin with the genesis block of {network}")
    chain = HeaderChain.genesis(network)
    hashes = bytearray(chain.tip.hash)
    # The first piece ends where a period does, and so does each one after it.
    due = READ_AT_ONCE - 1
    while piece := file.read(due * HEADER_SIZE):
        start = chain.height
        try:
            chain = extend_run(chain, piece)
        except BadHeader as error:
            raise BadHeader(error.code, f"after height {start:,}: {error.message}") from None
        hashes += b"".join(entry.hash for entry in _last(chain, chain.height - start))
        chain = _shortened(chain)
        due = READ_AT_ONCE
        if progress is not None:
            progress(min(file.tell(), total), total)
    return bytes(hashes)


def _last(chain: HeaderChain, count: int) -> list[ChainEntry]:
    """Return the last entries of a chain, oldest first."""
    entries = [entry for entry, _ in zip(chain.tip.ancestors(), range(count), strict=False)]
    return entries[::-1]


def _shortened(chain: HeaderChain) -> HeaderChain:
    """Return the chain without what no rule looks at any more, so that memory stays small."""
    parent: ChainEntry | None = None
    for entry in _last(chain, PERIOD + 1):
        parent = ChainEntry(
            entry.encoded, entry.time, entry.bits, entry.hash, entry.height, entry.work, parent
        )
    return HeaderChain(chain.net, parent or chain.tip)


def _refused(path: Path, why: str) -> SourceError:
    return SourceError(
        f"{path} is no file of headers: {why}",
        code="headers",
        hint="raw headers of 80 bytes each, from the genesis block on, and of the right --network",
    )
