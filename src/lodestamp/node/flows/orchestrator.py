"""The orchestrator: registered patterns, whole flows, and those that were broken off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from lodestamp.core.flows import DataFlowPacket, Pattern, ProcessingState
from lodestamp.errors import LeaseLost, LimitExceeded, LodestampError
from lodestamp.node.flows.ingesting import Source
from lodestamp.node.flows.runner import OPCATDataFlowProcessor
from lodestamp.node.flows.stage_work import flow_result
from lodestamp.node.progress import Progress

WORKERS_MAX: Final = 8
"""Flows one process runs at a time: each may hold a block of the chain and a file's path (R48)."""

Told = Callable[[DataFlowPacket], object]


class DataFlowOrchestrator:
    """Runs flows by the name of their pattern.

    Each result has the keys ``success workflow_id packet_id pattern_name result error``; `error` is
    None or ``{type, message}``, and no error is swallowed.
    """

    def __init__(self, processor: OPCATDataFlowProcessor) -> None:
        self.processor = processor

    @property
    def workflow_patterns(self) -> dict[str, Any]:
        """Every registered pattern as JSON, by name."""
        return dict(self.processor.store.patterns())

    @property
    def active_workflows(self) -> dict[str, str]:
        """The packets of workflows that are not finished, by workflow id."""
        flows = self.processor.store.flows()
        return {
            each.workflow_id: each.packet.packet_id for each in flows if not each.packet.is_finished
        }

    def register_workflow_pattern(self, name: str, config: Mapping[str, Any]) -> None:
        """Register a pattern; errors as `Pattern.parse`, so nothing is ignored later (R44)."""
        self.processor.store.register(name, Pattern.parse(config))

    def execute_workflow_pattern(
        self,
        name: str,
        content: Source,
        metadata: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        told: Told | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Make a packet and take it as far as it goes; `told` hears of every stage.

        What stops a flow that exists is in the result; what keeps one from being made is raised.
        """
        made = self.processor.create_flow_packet(
            content, metadata, name, idempotency_key=idempotency_key, progress=progress
        )
        return self.resume(made.packet.packet_id, told=told)

    def resume(self, packet_id: str, *, told: Told | None = None) -> dict[str, Any]:
        """Take a packet on from where it stands; a finished one only tells its result."""
        stored = self.processor.store.get(packet_id)
        packet = stored.packet
        if not packet.is_finished:
            packet = self.processor.drive(packet_id, told)
        return {
            "success": "completed" in packet.timestamps,
            "workflow_id": stored.workflow_id,
            "packet_id": packet_id,
            "pattern_name": stored.pattern,
            "result": flow_result(packet),
            "error": _error_of(packet),
        }

    def run_pending(self, workers: int = 1) -> list[dict[str, Any]]:
        """Take up every packet that is due, up to `workers` at a time; LimitExceeded above 8."""
        if not 1 <= workers <= WORKERS_MAX:
            raise LimitExceeded("the number of workers", WORKERS_MAX, workers)
        with ThreadPoolExecutor(workers) as pool:
            runs = [pool.submit(self._run_due) for _ in range(workers)]
            return [each for run in runs for each in run.result()]

    def close(self) -> None:
        """Let the runner go."""
        self.processor.close()

    def _run_due(self) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = []
        while True:
            try:
                packet = self.processor.drive_next()
            except LeaseLost:
                continue
            if packet is None:
                return results
            results.append(self._result_of(packet))

    def _result_of(self, packet: DataFlowPacket) -> dict[str, Any]:
        try:
            return self.resume(packet.packet_id) if packet.is_finished else self._waiting(packet)
        except LodestampError as error:
            return self._waiting(packet) | {"error": error.diagnostics()}

    def _waiting(self, packet: DataFlowPacket) -> dict[str, Any]:
        stored = self.processor.store.get(packet.packet_id)
        return {
            "success": False,
            "workflow_id": stored.workflow_id,
            "packet_id": packet.packet_id,
            "pattern_name": stored.pattern,
            "result": flow_result(packet),
            "error": _error_of(packet),
        }


def _error_of(packet: DataFlowPacket) -> dict[str, Any] | None:
    error = packet.metadata.get("error")
    if packet.processing_state is ProcessingState.FAILED and isinstance(error, dict):
        return dict(error)
    return None
