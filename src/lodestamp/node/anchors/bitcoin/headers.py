"""The header store: the chain of block headers that a home knows, checked by itself (R66).

Headers come from a file or from a node; every rule that needs no transactions is applied to each
(`lodestamp.core.bitcoin.extend_run`), so neither has to be trusted. The best chain is the one of
most work. Branches near its tip are kept beside it until they win or fall behind.

A home's store is of one network. 900,000 headers of 80 bytes are 72 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection, func, insert, select

from lodestamp.core.bitcoin import (
    HEADER_SIZE,
    NETWORKS,
    BlockHeader,
    ChainEntry,
    HeaderChain,
    NetworkParams,
    extend_run,
)
from lodestamp.errors import (
    BadHeader,
    MalformedBlock,
    ReorgTooDeep,
    SourceError,
    WrongNetwork,
)
from lodestamp.node.anchors.bitcoin.branches import SIDE_DEPTH_MAX, Branches
from lodestamp.node.anchors.tables import headers
from lodestamp.node.chains import BlockRef, ChainSource
from lodestamp.node.clock import now_s
from lodestamp.node.progress import Progress
from lodestamp.node.storage import Database

IMPORTED_AT_ONCE: Final = 20_160
"""Headers of one transaction of an import, ten periods: 1.6 MB; a kill loses at most these."""
FOLLOWED_AT_ONCE: Final = 2_000
"""Headers asked of a node at once, as many as its own peers give."""
RUN_MAX: Final = 2_016
"""Headers that `run` gives at once: those of one proof (R70)."""


class HeaderStore:
    """The headers of one network in a home's database. Safe to share among threads."""

    def __init__(
        self, database: Database, net: NetworkParams, *, clock: Callable[[], int] = now_s
    ) -> None:
        self._database = database
        self._clock = clock
        self.network = net
        with database.reading("opening the headers") as connection:
            first = connection.execute(select(headers.c.hash).where(headers.c.height == 0)).scalar()
        if first is None:
            with database.writing("beginning the headers") as connection:
                _add_genesis(connection, net)
        elif first != net.genesis.hash:
            hint = "give another --home, or name the network it was begun with"
            raise WrongNetwork(f"this home's headers are not of {net}", hint=hint)

    # Reading

    @property
    def tip(self) -> BlockRef:
        """The last header of the best chain."""
        with self._database.reading("reading the best header") as connection:
            return Branches(connection, self.network).tip()

    def header(self, height: int) -> BlockHeader | None:
        """Return the best chain's header at a height; None above the tip."""
        found = self.run(height, 1)
        return BlockHeader.decode(found) if found else None

    def hash_at(self, height: int) -> bytes | None:
        """Return the hash at a height of the best chain, internal byte order."""
        with self._database.reading("reading a header") as connection:
            query = select(headers.c.hash).where(headers.c.height == height)
            return connection.execute(query).scalar()

    def height_of(self, block_hash: bytes) -> int | None:
        """Return where a hash stands in the best chain; None when it does not."""
        with self._database.reading("looking for a header") as connection:
            query = select(headers.c.height).where(headers.c.hash == block_hash)
            return connection.execute(query).scalar()

    def confirmations(self, block_hash: bytes) -> int:
        """Return how many blocks of the best chain stand from this one on; 0 when off it."""
        with self._database.reading("counting confirmations") as connection:
            query = select(headers.c.height).where(headers.c.hash == block_hash)
            height: int | None = connection.execute(query).scalar()
            if height is None:
                return 0
            return Branches(connection, self.network).tip().height - height + 1

    def run(self, start: int, count: int) -> bytes:
        """Return up to `count` headers of the best chain from a height on, 80 bytes each."""
        with self._database.reading("reading headers") as connection:
            query = (
                select(headers.c.raw)
                .where(headers.c.height >= start)
                .where(headers.c.height < start + min(count, RUN_MAX))
                .order_by(headers.c.height)
            )
            return b"".join(connection.execute(query).scalars())

    # Writing

    def extend(self, encoded: bytes) -> int:
        """Add a run of headers, 80 bytes each, whose first one's parent is known.

        Those that are known already are passed over. Returns how many were new. Their work decides
        whether they become the best chain. BadHeader with the reason of Bitcoin Core;
        MalformedBlock ``header-size``; ReorgTooDeep for a branch from before the last 200 headers.
        """
        if len(encoded) % HEADER_SIZE:
            message = f"a run of headers has a multiple of {HEADER_SIZE} bytes, not {len(encoded)}"
            raise MalformedBlock("header-size", message)
        if not encoded:
            return 0
        with self._database.writing("adding headers") as connection:
            branches = Branches(connection, self.network)
            rest = branches.without_known(encoded)
            if not rest:
                return 0
            parent = branches.chain_of(rest[4:36])
            if parent is None:
                raise BadHeader("prev-blk-not-found", "the first header's parent is not known")
            longer = extend_run(parent, rest, now=self._clock())
            branches.add(_entries(longer, len(rest) // HEADER_SIZE))
            return len(rest) // HEADER_SIZE

    def import_file(self, path: Path, *, start: int = 0, progress: Progress | None = None) -> int:
        """Add the headers of a file, 80 bytes each, the first one of height `start`.

        Returns how many were new. SourceError when it cannot be read; errors as `extend`. What was
        added before a bad header stays.
        """
        added = 0
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                self._require_start(file, start)
                while block := file.read(IMPORTED_AT_ONCE * HEADER_SIZE):
                    added += self.extend(block)
                    if progress is not None:
                        progress(file.tell(), size)
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
        return added

    def follow(self, source: ChainSource) -> int:
        """Add what a node's best chain has beyond ours, and return how many headers that were.

        WrongNetwork; ReorgTooDeep when the chains part before the last 200 headers; as `extend`.
        """
        if source.network.genesis != self.network.genesis:
            raise WrongNetwork(f"the node is on {source.network}, our headers on {self.network}")
        height = self._shared_height(source)
        added = 0
        while found := source.headers(height + 1, FOLLOWED_AT_ONCE):
            added += self.extend(b"".join(each.encode() for each in found))
            height += len(found)
        return added

    def _shared_height(self, source: ChainSource) -> int:
        """Return the highest height at which the node's chain is ours; at most 200 below."""
        tip = self.tip
        lowest = max(0, tip.height - SIDE_DEPTH_MAX)
        height = tip.height
        while source.block_hash(height) != self.hash_at(height):
            if height == lowest:
                raise ReorgTooDeep(f"the node's chain left ours below height {lowest:,}")
            height -= 1
        return height

    def _require_start(self, file: BinaryIO, start: int) -> None:
        """Hold the first header against the height it is said to have."""
        head = file.read(HEADER_SIZE)
        file.seek(0)
        if len(head) < HEADER_SIZE:
            return
        parent = head[4:36]
        named = 0 if head == self.network.genesis.encode() else None
        if named is None:
            with self._database.reading("looking for a header") as connection:
                before = Branches(connection, self.network).height_of(parent)
            if before is None:
                hint = f"the home knows {self.network} up to {self.tip.height:,}; begin there"
                message = "the first header's parent is not known"
                raise BadHeader("prev-blk-not-found", f"{message}: {hint}")
            named = before + 1
        if named != start:
            raise BadHeader("height", f"the first header has height {named:,}, not {start:,}")


def stored_network(database: Database) -> NetworkParams | None:
    """Return the network whose headers a database holds; None where there are none yet."""
    query = select(headers.c.hash).where(headers.c.height == 0)
    with database.reading("looking for the network") as connection:
        genesis = connection.execute(query).scalar()
    return next((each for each in NETWORKS.values() if each.genesis.hash == genesis), None)


def _entries(chain: HeaderChain, count: int) -> Sequence[ChainEntry]:
    """Return the last `count` entries of a chain, oldest first."""
    found: list[ChainEntry] = []
    for entry in chain.tip.ancestors():
        found.append(entry)
        if len(found) == count:
            break
    return found[::-1]


def _add_genesis(connection: Connection, net: NetworkParams) -> None:
    if connection.execute(select(func.count()).select_from(headers)).scalar():
        return  # another process was quicker
    header = net.genesis
    row = {"height": 0, "hash": header.hash, "raw": header.encode()}
    connection.execute(insert(headers).values(chainwork=header.work.to_bytes(32, "big"), **row))
