"""The runner: takes packets through their stages, under a lease, one effect at a time (R39-R48)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.flows import (
    ENGINE_KEYS,
    Begin,
    Concluded,
    DataFlowPacket,
    DataFlowStage,
    Event,
    Failed,
    Finished,
    Noted,
    Pattern,
    ProcessingState,
    Report,
    Stumbled,
    Transition,
    Unsettled,
    Waiting,
    address_members,
    advance,
    content_cid,
    format_moment,
    numbered,
    parse_moment,
    pattern_of,
    plain_result,
    recheck,
    require_metadata,
    run_operation,
    stage_after,
)
from lodestamp.errors import (
    FlowError,
    LeaseLost,
    LodestampError,
    StageOrderError,
    UsageError,
)
from lodestamp.node.blocks import BlockStore
from lodestamp.node.flows.chain_work import ChainWork, Dropped, NotYet
from lodestamp.node.flows.clocks import Surroundings
from lodestamp.node.flows.ingesting import Source, ingest, take_content
from lodestamp.node.flows.leases import Leases
from lodestamp.node.flows.metrics import measure
from lodestamp.node.flows.stage_work import commit, flow_result, is_transient, validate_bare
from lodestamp.node.flows.store import FlowStore, StoredFlow
from lodestamp.node.progress import Progress

POLL_US: Final = 5_000_000
"""Microseconds between two looks for a block: a hundredth of what one takes on the main chain."""


class OPCATDataFlowProcessor:
    """Creates packets and does their stages. Thread-safe; close it when done.

    Without `chain` it runs flows that bind nothing.
    """

    def __init__(
        self,
        store: FlowStore,
        blocks: BlockStore,
        chain: ChainWork | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.store = store
        self._blocks = blocks
        self._chain = chain
        self._around = surroundings or Surroundings()
        self._leases = Leases(store)
        self._begun: dict[str, int] = {}

    # What there is

    @property
    def active_flows(self) -> dict[str, DataFlowPacket]:
        """Packets that are not finished, by id."""
        return self._some(lambda packet: not packet.is_finished)

    @property
    def completed_flows(self) -> dict[str, DataFlowPacket]:
        """Packets that are done."""
        return self._some(lambda packet: "completed" in packet.timestamps)

    @property
    def failed_flows(self) -> dict[str, DataFlowPacket]:
        """Packets that failed; each says why in ``metadata.error``."""
        return self._some(lambda packet: packet.processing_state is ProcessingState.FAILED)

    @property
    def flow_metrics(self) -> dict[str, object]:
        """What all flows of the store add up to (R47)."""
        return measure(self.store)

    def _some(self, which: Callable[[DataFlowPacket], bool]) -> dict[str, DataFlowPacket]:
        packets = (each.packet for each in self.store.flows())
        return {each.packet_id: each for each in packets if which(each)}

    # Making a packet

    def create_flow_packet(
        self,
        content: Source,
        metadata: Mapping[str, Any] | None = None,
        pattern: str = "content_addressing_with_covenant",
        *,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
    ) -> StoredFlow:
        """Store a new packet of content, bytes or a file, under a registered pattern.

        PatternNotFound; UsageError for metadata with a key of the engine, and for a pattern that
        binds where no chain is configured; ConcatTooLong and others as `run_operation`, so that
        what could never run is refused here; errors as `take_content`.
        """
        named = self.store.pattern(pattern)
        told = require_metadata(metadata or {})
        if taken := ENGINE_KEYS & told.keys():
            raise UsageError(f"metadata.{min(taken)} is the engine's own")
        workflow_id, packet_id = (self._around.randomness(16).hex() for _ in range(2))
        workflow: JsonObject = {
            "id": workflow_id,
            "name": pattern,
            "pattern": named.as_json(),
            **self._rules(named),
        }
        mode = "auto" if named.covenant is None else named.covenant.leaf_mode
        now = format_moment(self._around.clock())
        packet = DataFlowPacket(
            packet_id,
            take_content(self._blocks, content, mode, progress),
            told | {"workflow": workflow},
            op_cat_operations=numbered(packet_id, named.operations),
            timestamps={"created": now, "last_updated": now},
        )
        for op in packet.op_cat_operations:
            plain_result(op, packet)
        stored = self.store.insert(
            packet, workflow_id=workflow_id, pattern=pattern, idempotency_key=idempotency_key
        )
        self._begun[stored.packet.packet_id] = self._around.monotonic()
        return stored

    def _rules(self, pattern: Pattern) -> JsonObject:
        if pattern.covenant is None:
            return {"network": "regtest", "rules": ["checktemplateverify", "opcat"]}
        source = self._require_chain().source
        active: list[JsonValue] = [
            name for name, on in sorted(source.capabilities().deployments.items()) if on
        ]
        return {"network": source.network.name, "rules": active}

    # Stages

    def process_content_ingestion(self, packet_id: str) -> DataFlowPacket:
        """Keep the content's blocks; as every stage, StageOrderError out of turn."""
        return self._do(packet_id, DataFlowStage.CONTENT_INGESTION)

    def process_op_cat_operations(self, packet_id: str) -> DataFlowPacket:
        """Run the pattern's operations as tapscript and in plain Python."""
        return self._do(packet_id, DataFlowStage.OP_CAT_PROCESSING)

    def process_hash_generation(self, packet_id: str) -> DataFlowPacket:
        """Commit to content and results."""
        return self._do(packet_id, DataFlowStage.HASH_GENERATION)

    def process_ipfs_addressing(self, packet_id: str) -> DataFlowPacket:
        """Write down the CID of the content."""
        return self._do(packet_id, DataFlowStage.IPFS_ADDRESSING)

    def process_bitcoin_binding(self, packet_id: str) -> DataFlowPacket:
        """Build the covenant, fund it once, and wait for its block."""
        return self._do(packet_id, DataFlowStage.BITCOIN_BINDING)

    def process_validation(self, packet_id: str) -> DataFlowPacket:
        """Spend the covenant, refuse every altered witness, and wait for the block."""
        return self._do(packet_id, DataFlowStage.VALIDATION)

    def process_verification(self, packet_id: str) -> DataFlowPacket:
        """Judge the packet from its own bytes, blocks and the chain alone."""
        return self._do(packet_id, DataFlowStage.VERIFICATION)

    def complete_flow(self, packet_id: str) -> dict[str, object]:
        """End a flow whose verification refutes nothing, and return its result (R39)."""
        with self._leases.held(packet_id) as found:
            packet = self._conclude(found.packet)
        return flow_result(packet)

    def drive(
        self, packet_id: str, told: Callable[[DataFlowPacket], object] | None = None
    ) -> DataFlowPacket:
        """Take a packet as far as it goes now: to its end, or to where it has to wait."""
        with self._leases.held(packet_id) as found:
            return self._drive(found.packet, told)

    def drive_next(self) -> DataFlowPacket | None:
        """Take up the packet that has been due longest; None when there is none."""
        with self._leases.next_due() as found:
            return None if found is None else self._drive(found.packet, None)

    def close(self) -> None:
        """Stop renewing leases."""
        self._leases.close()

    def _drive(
        self, packet: DataFlowPacket, told: Callable[[DataFlowPacket], object] | None
    ) -> DataFlowPacket:
        while not packet.is_finished:
            if told is not None:
                told(packet)
            stage = self._due(packet)
            packet = self._conclude(packet) if stage is None else self._run(packet, stage)[0]
            if packet.processing_state is ProcessingState.RETRY_REQUIRED:
                wake = self.store.get(packet.packet_id).next_attempt_at
                if wake is None or wake > self._around.clock():
                    break
        if told is not None:
            told(packet)
        return packet

    def _due(self, packet: DataFlowPacket) -> DataFlowStage | None:
        if packet.processing_state is ProcessingState.COMPLETED:
            return stage_after(packet.processing_stage)
        return packet.processing_stage

    def _do(self, packet_id: str, stage: DataFlowStage) -> DataFlowPacket:
        with self._leases.held(packet_id) as found:
            packet, error = self._run(found.packet, stage)
        if error is not None and packet.processing_state is ProcessingState.FAILED:
            raise error
        return packet

    def _run(
        self, packet: DataFlowPacket, stage: DataFlowStage
    ) -> tuple[DataFlowPacket, LodestampError | None]:
        """Do one stage of a packet in hand; return also what stopped it, if anything did."""
        is_broken_off = (
            packet.processing_stage is stage
            and packet.processing_state is ProcessingState.IN_PROGRESS
        )
        if not is_broken_off:  # what a killed runner had begun goes on where it was
            packet = self._apply(packet, Begin(stage), "begun")
        kept = [packet]

        def note(findings: Mapping[str, JsonValue]) -> None:
            kept[0] = self._apply(kept[0], Noted(findings), "noted")

        try:
            findings = self._work(packet, stage, note)
        except NotYet:
            waiting = Waiting(self._around.clock() + POLL_US)
            return self._apply(kept[0], waiting, "waiting for blocks"), None
        except Dropped as dropped:
            return self._apply(kept[0], Unsettled(dropped.stage), "dropped by a reorg"), None
        except (LeaseLost, StageOrderError):
            raise
        except LodestampError as error:
            return self._apply(kept[0], self._event_of(error), error.message[:400]), error
        return self._apply(kept[0], Finished(findings), "completed"), None

    def _work(
        self,
        packet: DataFlowPacket,
        stage: DataFlowStage,
        note: Callable[[Mapping[str, JsonValue]], object],
    ) -> JsonObject:
        match stage:
            case DataFlowStage.CONTENT_INGESTION:
                return ingest(self._blocks, packet)
            case DataFlowStage.OP_CAT_PROCESSING:
                return self._operate(packet)
            case DataFlowStage.HASH_GENERATION:
                return commit(packet)
            case DataFlowStage.IPFS_ADDRESSING:
                return dict(address_members(content_cid(packet)))
            case DataFlowStage.BITCOIN_BINDING:
                if pattern_of(packet).covenant is None:
                    return {"bitcoin_covenant": {"skipped": True}}
                return self._require_chain().fund(packet, note)
            case DataFlowStage.VALIDATION:
                if pattern_of(packet).covenant is None:
                    return validate_bare(packet)
                return self._require_chain().spend(packet)
            case DataFlowStage.VERIFICATION:
                return self._verify(packet)

    def _operate(self, packet: DataFlowPacket) -> JsonObject:
        results: list[JsonValue] = []
        for op in packet.op_cat_operations:
            result = run_operation(op, packet)
            results.append(result.as_json(format_moment(self._around.clock())))
        return {"op_cat_results": results}

    def _verify(self, packet: DataFlowPacket) -> JsonObject:
        report = self.recheck(packet)
        if report.refuted:
            legs = ", ".join(report.refuted)
            raise FlowError(f"refuted: {legs}", code="refuted")
        told: Any = report.as_json()
        return {"report": told, "cumulative_work": f"{report.cumulative_work:x}"}

    def recheck(self, packet: DataFlowPacket) -> Report:
        """Judge a packet anew; `Dropped` when the chain has lost what it had."""
        view = None
        if pattern_of(packet).covenant is not None:
            chain = self._require_chain()
            bound = (DataFlowStage.BITCOIN_BINDING, DataFlowStage.VALIDATION)
            chain.require_settled(packet, bound)
            view = chain.view(packet)
        return recheck(packet, self._blocks.get, view)

    def _conclude(self, packet: DataFlowPacket) -> DataFlowPacket:
        begun = self._begun.get(packet.packet_id)
        if begun is not None:
            taken = self._around.monotonic() - begun
        else:
            taken = max(0, self._around.clock() - parse_moment(packet.timestamps["created"]))
        return self._apply(packet, Concluded(taken), "concluded")

    def _apply(self, packet: DataFlowPacket, event: Event, what: str) -> DataFlowPacket:
        transition: Transition = advance(packet, event, self._around.clock())
        self.store.save(transition, what)
        return transition.packet

    def _event_of(self, error: LodestampError) -> Event:
        kind = type(error).__name__
        if is_transient(error):
            jitter = int.from_bytes(self._around.randomness(2), "big") % 41 - 20
            return Stumbled(kind, error.message, jitter)
        return Failed(kind, error.message)

    def _require_chain(self) -> ChainWork:
        if self._chain is None:
            raise UsageError("this flow is bound to Bitcoin, and no chain was given")
        return self._chain
