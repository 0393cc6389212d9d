"""The operations of a pattern, each run as tapscript and again in plain Python (R42).

The two must agree, and the script is the same that a leaf on the chain could hold: nothing is
joined beyond 520 bytes, and no byte is ever dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    NUMS,
    Leaf,
    OutPoint,
    Script,
    ScriptError,
    SigVersion,
    Step,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    execute,
    from_asm,
    output_script,
    push,
    to_asm,
    verify_input,
)
from lodestamp.core.encoding import JsonObject, base64_encode
from lodestamp.core.flows.batch import member_path
from lodestamp.core.flows.introspection import ForcedOutput, force_output, payload_of
from lodestamp.core.flows.layout import content_cid
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.flows.patterns import ELEMENT_MAX, bytes_of
from lodestamp.errors import ConcatTooLong, FlowError, UnknownOperation

_COIN: Final = TxOut(10_000, b"")
_PREVOUT: Final = OutPoint(bytes(31) + b"\x01", 0)


@dataclass(frozen=True, slots=True)
class OpResult:
    """What an operation gave, and the script and stack that anyone can run to get it again.

    `operand` says what it started from: ``content``, ``cid`` or ``digest``. `stack` is what the
    script starts with, bottom first.
    """

    operation_id: str
    operation_type: str
    operand: str
    script: bytes
    stack: tuple[bytes, ...]
    result: bytes
    steps: int

    def as_json(self, timestamp: str) -> JsonObject:
        """Return the object of ``op_cat_results``."""
        return {
            "operation_id": self.operation_id,
            "operation_type": self.operation_type,
            "operand": self.operand,
            "script_asm": to_asm(self.script),
            "script_hex": self.script.hex(),
            "result_hash": sha256(self.result).hexdigest(),
            "result_size": len(self.result),
            "result_data": base64_encode(self.result),
            "steps": self.steps,
            "timestamp": timestamp,
        }


@dataclass(frozen=True, slots=True)
class BareSpend:
    """A spend of an invented coin whose only leaf is an operation's script and its result."""

    tx: Transaction
    spent: tuple[TxOut, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """An operation as a script, the stack it starts with, and what plain Python makes of it."""

    operand: str
    script: Script
    stack: tuple[bytes, ...]
    expected: bytes
    forced: ForcedOutput | None = None


def numbered(packet_id: str, operations: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    """Give each operation its id: the packet's, its type and its place (R45)."""
    return tuple(
        {**each, "operation_id": f"{packet_id}_{each['type']}_{place}"}
        for place, each in enumerate(operations)
    )


def run_operation(op: JsonObject, packet: DataFlowPacket) -> OpResult:
    """Run one operation in the script machine and in plain Python.

    ConcatTooLong for a join over 520 bytes; FlowError ``merkle-root`` for a proof that leads
    elsewhere, ``batch`` for a batch without the content, ``machines-disagree`` never.
    """
    compiled = _compile(op, packet)
    if compiled.forced is not None:
        result, steps = compiled.forced.run()
    else:
        result, steps = _execute(compiled)
    if result != compiled.expected:
        raise FlowError("script and plain code disagree", code="machines-disagree")
    return OpResult(
        str(op.get("operation_id", "")),
        str(op["type"]),
        compiled.operand,
        compiled.script,
        compiled.stack,
        result,
        steps,
    )


def plain_result(op: JsonObject, packet: DataFlowPacket) -> bytes:
    """Return what an operation gives, by plain Python alone; errors as `run_operation`."""
    return _compile(op, packet).expected


def bare_spend(op: JsonObject, packet: DataFlowPacket) -> BareSpend:
    """Return a spend that only this very result opens; errors as `run_operation`."""
    compiled = _compile(op, packet)
    if compiled.forced is not None:
        return BareSpend(compiled.forced.tx, (compiled.forced.coin,))
    leaf = Leaf(compiled.script + push(compiled.expected) + b"\x87")
    coin = replace(_COIN, script=output_script(NUMS, leaf))
    shown = (*compiled.stack, leaf.script, control_block(NUMS, leaf, leaf))
    tx = Transaction(2, (TxIn(_PREVOUT, witness=shown),), (TxOut(9_000, coin.script),))
    return BareSpend(tx, (coin,))


def judge_bare(spend: BareSpend, flags: int) -> ScriptError:
    """Return how the machine judges a bare spend."""
    return verify_input(spend.tx, 0, spend.spent, flags).error


def _execute(compiled: _Compiled) -> tuple[bytes, int]:
    steps: list[Step] = []
    ended = execute(
        compiled.script,
        compiled.stack,
        SigVersion.TAPSCRIPT,
        None,
        CONSENSUS_CAT_CTV,
        trace=steps.append,
    )
    if not ended.ok:
        if ended.error is ScriptError.PUSH_SIZE:
            raise ConcatTooLong(ELEMENT_MAX, len(compiled.expected))
        raise FlowError(f"the script fails with {ended.error}", code="script-failed")
    if len(ended.stack) != 1 or ended.altstack:
        raise FlowError("the script leaves more than its result", code="machines-disagree")
    return ended.stack[0], len(steps)


def _compile(op: JsonObject, packet: DataFlowPacket) -> _Compiled:
    compilers: dict[object, Any] = {
        "content_concat": _concat,
        "hash_chain": _chain,
        "merkle_proof": _member,
        "script_introspection": _introspection,
    }
    compiler = compilers.get(op.get("type"))
    if compiler is None:
        message = f"a flow has no operation {op.get('type')!r}"
        raise UnknownOperation(message, code="unknown-operation-type")
    compiled: _Compiled = compiler(op, packet)
    return compiled


def _concat(op: JsonObject, packet: DataFlowPacket) -> _Compiled:
    data = bytes_of(op["data"])
    operand, start = "cid", content_cid(packet).encode()
    if isinstance(packet.content, bytes) and len(packet.content) + len(data) <= ELEMENT_MAX:
        operand, start = "content", packet.content
    if len(start) + len(data) > ELEMENT_MAX:
        raise ConcatTooLong(ELEMENT_MAX, len(start) + len(data))
    return _Compiled(operand, Script(push(data) + b"\x7e"), (start,), start + data)


def _chain(op: JsonObject, packet: DataFlowPacket) -> _Compiled:
    elements = [bytes_of(each) for each in _items(op["elements"])]
    script = b"".join(push(each) + b"\x7e\xa8" for each in elements)
    if isinstance(packet.content, bytes) and len(packet.content) <= ELEMENT_MAX:
        operand, start, script = "content", packet.content, b"\xa8" + script
        value = sha256(start).digest()
    else:
        operand, start = "digest", content_cid(packet).digest
        value = start
    for each in elements:
        if len(value) + len(each) > ELEMENT_MAX:
            raise ConcatTooLong(ELEMENT_MAX, len(value) + len(each))
        value = sha256(value + each).digest()
    return _Compiled(operand, Script(script), (start,), value)


def _member(op: JsonObject, packet: DataFlowPacket) -> _Compiled:
    cid = content_cid(packet).encode()
    siblings, root = member_path(op, packet)
    step = "ROT IF SWAP ENDIF CAT 1 SWAP CAT SHA256"
    folds = f"{step} " * len(siblings)
    script = from_asm(f"<00> SWAP CAT SHA256 {folds}DUP <{root.hex()}> EQUALVERIFY")
    stack = [item for hashed, right in reversed(siblings) for item in (_direction(right), hashed)]
    return _Compiled("cid", script, (*stack, cid), root)


def _direction(is_left: bool) -> bytes:  # noqa: FBT001  the only argument
    """Return the item that says whether what was folded so far is the left child."""
    return b"\x01" if is_left else b""


def _introspection(op: JsonObject, packet: DataFlowPacket) -> _Compiled:
    forced = force_output(op, packet)
    shown = forced.tx.inputs[0].witness[:-2]
    return _Compiled("script_data", forced.covenant.leaf, shown, payload_of(op), forced)


def _items(value: Any) -> Sequence[Any]:
    assert isinstance(value, list)  # noqa: S101  patterns are parsed before a packet holds one
    return value
