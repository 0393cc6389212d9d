"""The headers that a home knows, read and never begun: which network, and which blocks (R66)."""

from __future__ import annotations

from sqlalchemy import select

from lodestamp.core.bitcoin import MAIN, NETWORKS, NetworkParams
from lodestamp.node.anchors.tables import headers
from lodestamp.node.storage import Database


class StoredHeaders:
    """The best chain in a home's database; see `HeaderStore`, which fills it. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def network(self) -> NetworkParams:
        """The network they are of; main where there are none yet."""
        query = select(headers.c.hash).where(headers.c.height == 0)
        with self._database.reading("looking for the network") as connection:
            genesis = connection.execute(query).scalar()
        return next((each for each in NETWORKS.values() if each.genesis.hash == genesis), MAIN)

    def run(self, start: int, count: int) -> bytes:
        """Return up to `count` headers of the best chain from a height on, 80 bytes each."""
        query = (
            select(headers.c.raw)
            .where(headers.c.height >= start, headers.c.height < start + count)
            .order_by(headers.c.height)
        )
        with self._database.reading("reading headers") as connection:
            return b"".join(connection.execute(query).scalars())
