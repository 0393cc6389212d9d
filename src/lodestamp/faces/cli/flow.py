"""Verbs about data flows: `flow list`, `run`, `resume`, `show` (flows spec §8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import DONE, REFUSED, UNAVAILABLE, print_json
from lodestamp.faces.cli.options import Chain, Json
from lodestamp.faces.cli.plain import say
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp.core.flows import DataFlowPacket
    from lodestamp.node.flows import Flows, StoredFlow

flow = typer.Typer(name="flow", help="Take content to a Bitcoin block, stage by stage.")

_STATES: Final = ("pending", "in_progress", "completed", "failed", "retry_required")
_LOOK_S: Final = 1.0
"""Seconds between two looks while waiting for another runner or a block."""

Network = Annotated[
    str | None, typer.Option("--network", metavar="NET", help="The network the chain must be on.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for blocks until the flow is done.")]


@flow.command("list")
def list_flows(
    context: typer.Context,
    *,
    state: Annotated[
        str | None, typer.Option("--state", metavar="S", help=f"One of {', '.join(_STATES)}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List flows, the oldest first.

    Example: lodestamp flow list --state retry_required
    """
    if state is not None and state not in _STATES:
        raise UsageError(f"--state is one of {', '.join(_STATES)}")
    with _opened(context, None, None) as flows:
        for each in flows.store.flows(state):
            packet = each.packet
            if as_json:
                print_json(_summary(each))
            else:
                at = f"{packet.processing_stage} {packet.processing_state}"
                say(f"{packet.packet_id}  {at:<34}  {each.pattern}")


@flow.command("run")
def run(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A registered pattern.")],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The content.")],
    *,
    meta: Annotated[
        list[str] | None, typer.Option("--meta", metavar="K=V", help="Metadata; may be repeated.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--idempotency-key", metavar="K", help="Run once under this key."),
    ] = None,
    chain: Chain = "sim:",
    network: Network = None,
    wait: Wait = False,
    as_json: Json = False,
) -> int:
    """Take a file through a pattern's stages. Exit: 0 done, 1 failed, 2 waiting for blocks.

    Example: lodestamp flow run content_addressing_with_covenant report.pdf
    """
    metadata = dict(_pair(each) for each in meta or ())
    with _opened(context, chain, network) as flows:
        with progress_bar(f"reading {path.name}") as bar:
            made = flows.orchestrator.processor.create_flow_packet(
                path, metadata, pattern, idempotency_key=key, progress=bar
            )
        return _go_on(flows, made.packet.packet_id, wait=wait, as_json=as_json)


@flow.command("resume")
def resume(
    context: typer.Context,
    packet_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The packet to take up again.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Take up every packet that is due.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", help="With --all: up to 8 at a time.")
    ] = 1,
    chain: Chain = "sim:",
    network: Network = None,
    wait: Wait = False,
    as_json: Json = False,
) -> int:
    """Take up flows that wait or were broken off.

    Example: lodestamp flow resume --all
    """
    if every is (packet_id is not None):
        raise UsageError("either a packet's ID, or --all")
    with _opened(context, chain, network) as flows:
        if packet_id is not None:
            return _go_on(flows, packet_id, wait=wait, as_json=as_json)
        codes = [DONE]
        for result in flows.orchestrator.run_pending(workers):
            done = flows.store.get(result["packet_id"])
            if wait and not done.packet.is_finished:
                codes.append(_go_on(flows, done.packet.packet_id, wait=True, as_json=as_json))
            else:
                codes.append(_show_result(result, done, as_json=as_json))
        return max(codes, key=(DONE, UNAVAILABLE, REFUSED).index)


@flow.command("show")
def show(
    context: typer.Context,
    packet_id: Annotated[str, typer.Argument(metavar="ID", help="The packet.")],
    *,
    events: Annotated[
        bool, typer.Option("--events", help="Tell everything that happened.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell how far a flow has come, what it found, and what happened to it.

    Example: lodestamp flow show 0123456789abcdef0123456789abcdef --events
    """
    with _opened(context, None, None) as flows:
        stored = flows.store.get(packet_id)
        happened = flows.store.events(packet_id) if events else []
    if as_json:
        told = _summary(stored) | {"packet": stored.packet.to_dict()}
        if events:
            told["events"] = [
                {"seq": each.seq, "stage": each.stage, "state": each.state, "at": each.at}
                | {"detail": each.detail}
                for each in happened
            ]
        print_json(told)
        return
    _say_packet(stored.packet, stored.pattern)
    for each in happened:
        say(f"event      {each.seq}  {each.stage} {each.state}: {each.detail.get('what')}")


def _go_on(flows: Flows, packet_id: str, *, wait: bool, as_json: bool) -> int:
    from lodestamp.errors import LeaseLost  # noqa: PLC0415
    from lodestamp.node.flows import stages_done  # noqa: PLC0415

    with progress_bar("flow", in_bytes=False) as bar:
        told: Callable[[DataFlowPacket], object] | None = None
        if bar is not None:
            shown = bar
            told = lambda packet: shown(stages_done(packet), 7)  # noqa: E731  it closes over the bar
        while True:
            try:
                result: dict[str, Any] = flows.orchestrator.resume(packet_id, told=told)
            except LeaseLost:
                if not wait:
                    raise
                time.sleep(_LOOK_S)
                continue
            stored = flows.store.get(packet_id)
            if stored.packet.is_finished or not wait:
                break
            time.sleep(_LOOK_S)
    return _show_result(result, stored, as_json=as_json)


def _show_result(result: dict[str, Any], stored: StoredFlow, *, as_json: bool) -> int:
    packet = stored.packet
    if as_json:
        print_json(result)
    else:
        _say_packet(packet, stored.pattern)
    if result["success"]:
        return DONE
    return REFUSED if packet.is_finished else UNAVAILABLE


def _say_packet(packet: DataFlowPacket, pattern: str) -> None:
    say(f"packet     {packet.packet_id}")
    say(f"pattern    {pattern}")
    for stage in _stages():
        if f"{stage}_completed" in packet.timestamps:
            say(f"  yes      {stage}")
        elif stage == packet.processing_stage:
            say(f"  {packet.processing_state!s:<8} {stage}")
    data: dict[str, Any] = packet.verification_data
    if "ipfs_cid" in data:
        say(f"cid        {data['ipfs_cid']}")
    covenant = data.get("bitcoin_covenant")
    if covenant and "address" in covenant:
        say(f"address    {covenant['address']}  ({covenant['kind']})")
        say(f"funding    {covenant['funding']['txid']}:{covenant['funding']['vout']}")
    if "spend" in data:
        say(f"spend      {data['spend']['txid']}")
    if "report" in data:
        say(f"verdict    {data['report']['verdict']}")
    error: Any = packet.metadata.get("error")
    if error:
        say(f"error      {error['type']}: {error['message']}")


def _stages() -> tuple[str, ...]:
    from lodestamp.core.flows import STAGES  # noqa: PLC0415

    return tuple(map(str, STAGES))


def _summary(stored: StoredFlow) -> dict[str, object]:
    packet = stored.packet
    return {
        "packet_id": packet.packet_id,
        "workflow_id": stored.workflow_id,
        "pattern_name": stored.pattern,
        "stage": str(packet.processing_stage),
        "state": str(packet.processing_state),
        "finished": packet.is_finished,
        "error": packet.metadata.get("error"),
    }


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise UsageError(f"{text[:80]!r} is no K=V")
    return name, value


@contextmanager
def _opened(context: typer.Context, chain: str | None, network: str | None) -> Iterator[Flows]:
    import lodestamp  # noqa: PLC0415

    with (
        lodestamp.open(context.obj, create=chain is not None) as node,
        node.flows(chain=chain, network=network) as flows,
    ):
        yield flows
