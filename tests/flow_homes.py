"""Flows for tests: a store, blocks and a simulator in one folder, audited when a test ends."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from chains import SCRIPT, SIGNER
from chains import Clock as ChainClock
from lodestamp.node.blocks import BlockStore
from lodestamp.node.chains import SimulatedChain, Simulator
from lodestamp.node.findings import AuditReport
from lodestamp.node.flows import (
    ChainWork,
    DataFlowOrchestrator,
    FlowStore,
    OPCATDataFlowProcessor,
    Presence,
    Surroundings,
    audit_flows,
)
from lodestamp.node.storage import Database

MATURE = 116
"""Blocks after which the test's key has sixteen coins to spend."""


class World:
    """Everything a flow needs, and the clock by which it lives."""

    def __init__(
        self, folder: Path, *, mines: bool = True, chain: bool = True, seed: str = ""
    ) -> None:
        self.folder = folder
        self.now_us = 1_790_000_000_000_000
        self._drawn = itertools.count(1)
        self._seed = seed or secrets.token_hex(8)
        self.database = Database.open(folder / "a.db")
        self.blocks = BlockStore.open(folder / "blocks", self.database, clock=self.ms)
        self.presence = Presence(folder / "runners", secrets.token_hex(16))
        self.store = FlowStore(self.database, lambda: self.now_us, self.presence)
        self.source = SimulatedChain(Simulator.open(folder / "chain.db", ChainClock(), SCRIPT))
        if chain and self.source.tip().height < MATURE:
            self.source.mine(MATURE, SCRIPT)
        self.work = None
        if chain:
            mine = (lambda: self.source.mine(1, SCRIPT)) if mines else None
            self.work = ChainWork(self.source, SIGNER, self.store, self.blocks.get, mine)
        self.surroundings = Surroundings(
            lambda: self.now_us, lambda: self.now_us, self.draw, lambda _s: None
        )
        self.runner = OPCATDataFlowProcessor(self.store, self.blocks, self.work, self.surroundings)
        self.orchestrator = DataFlowOrchestrator(self.runner)

    def ms(self) -> int:
        """Unix milliseconds."""
        return self.now_us // 1000

    def draw(self, size: int) -> bytes:
        """Bytes that never come twice."""
        return sha256(f"{self._seed} {next(self._drawn)}".encode()).digest()[:size]

    def run(self, content, pattern="content_addressing_with_covenant", metadata=None, **more):
        """Run a flow to where it goes."""
        return self.orchestrator.execute_workflow_pattern(pattern, content, metadata, **more)

    def packet(self, result):
        """The stored packet of a result."""
        return self.store.get(result["packet_id"]).packet

    def findings(self):
        """What the auditor finds."""
        report = AuditReport()
        audit_flows(self.database, self.blocks.get, report)
        return report.findings

    def close(self) -> None:
        """Release everything."""
        self.orchestrator.close()
        self.presence.close()
        self.source.close()
        self.database.close()


@contextmanager
def flow_world(folder: Path, **options) -> Iterator[World]:
    """Open a world and, when the test is done with it, hold its flows against the auditor."""
    world = World(folder, **options)
    try:
        yield world
        assert world.findings() == []
    finally:
        world.close()
