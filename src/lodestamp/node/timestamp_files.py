"""Timestamp files on disk: what they are about, and where the headers come from that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from lodestamp.core.bitcoin import BlockHeader, NetworkParams
from lodestamp.core.proof import RUN_HEADERS, RUN_MAX, BitcoinTrust, FindRun, verify_detached
from lodestamp.core.timestamps import (
    FILE_SIZE_MAX,
    BitcoinHeader,
    parse_detached,
    walk,
)
from lodestamp.core.verdict import Verdict
from lodestamp.errors import InputError
from lodestamp.node.blocks import SourceFile, unreadable
from lodestamp.node.chains import ChainSource
from lodestamp.node.progress import Progress

EXTENSION: Final = ".ots"


class ChainHeaders:
    """The headers of a chain that is asked, as the best chain of a verifier."""

    def __init__(self, source: ChainSource) -> None:
        self._source = source
        self._tip = source.tip().height
        self._heights: dict[bytes, int] = {}

    @property
    def network(self) -> NetworkParams:
        """The network it is of."""
        return self._source.network

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash at a height; None above the tip."""
        found = self._source.block_hash(height) if height <= self._tip else None
        if found is not None:
            self._heights[found] = height
        return found

    def confirmations(self, block_hash: bytes) -> int:
        """Return how many blocks stand from this one on; 0 when it was not met by `hash_at`."""
        height = self._heights.get(block_hash)
        return 0 if height is None else self._tip - height + 1

    def run_from(self, height: int) -> Sequence[BlockHeader]:
        """Return the header at a height and five upon it, fewer at the tip; none above it."""
        return self._source.headers(height, RUN_HEADERS) if height <= self._tip else ()


def read_timestamp(path: Path) -> bytes:
    """Read a timestamp file, up to one byte more than one may have; SourceError."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def target_of(path: Path) -> Path | None:
    """Return the file that a timestamp file stands beside, as every client finds it, if there."""
    target = path.with_suffix("")
    return target if path.suffix == EXTENSION and target.is_file() else None


def verify_timestamp(
    path: Path,
    target: Path | None,
    find_run: FindRun,
    *,
    network: str,
    bitcoin: BitcoinTrust,
    headers: ChainHeaders | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Judge a timestamp file by the file it is about; errors as `verify_detached`, SourceError."""
    with ExitStack() as stack:
        pieces = None
        if target is not None:
            pieces = stack.enter_context(SourceFile.open(target)).pieces(progress)
        return verify_detached(
            read_timestamp(path),
            pieces,
            find_run,
            network=network,
            bitcoin=bitcoin,
            headers=headers,
        )


def run_in(headers: Sequence[BlockHeader], first: int | None, source: bytes) -> FindRun:
    """Give headers of a file: its first one is at height `first`.

    Without a height it is at the lowest that the timestamp file names, as in a proof.
    """
    start = _lowest_height(source) if first is None else first

    def find(height: int) -> Sequence[BlockHeader]:
        place = height - start
        return headers[place : place + RUN_MAX] if 0 <= place < len(headers) else ()

    return find


def _lowest_height(source: bytes) -> int:
    try:
        found = walk(parse_detached(source).timestamp)
    except InputError:  # which the verdict will say
        return 0
    heights = (each.height for _, each in found if isinstance(each, BitcoinHeader))
    return min(heights, default=0)
