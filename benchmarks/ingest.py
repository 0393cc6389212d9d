"""Taking operations in, from wire forms to the disk, and verifying them on two cores."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lodestamp
from benchmarks.operations import claims
from benchmarks.table import SEED, Fact, Findings, Timing, compare, timed, trial
from lodestamp.core.encoding import JsonObject
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import build_op, claim, evidence, parse_op, verify_op, verify_ops
from lodestamp.node.recorder import Recorded

BATCH = 1_000
"""Operations handed in at once: the recorder's own group."""
PER_SECOND_MIN = 5_500
"""Operations a CPU-second on one core (operations spec T4)."""
THREADS = 2


def chain(count: int) -> list[bytes]:
    """Return a chain of version 2 of about 1 kB each; half are claims on two sources."""
    signer = SigningKey.from_seed("ed25519", SEED.to_bytes(32, "big"))
    ids: list[str] = []
    wires = []
    for number in range(count):
        if number % 2 == 0 or number < 4:
            content: JsonObject = {"n": number, "text": "x" * 600}
            kind, body = (
                "evidence",
                evidence(source="s", kind="k", content=content, captured_at=number),
            )
        else:
            kind, body = (
                "claim",
                claim(
                    subject=f"invoice/{number}",
                    predicate="settled-by",
                    object=True,
                    confidence_bp=9_000,
                    derived_from=[ids[number - 1], ids[number - 3]],
                    deriver="matcher/3",
                    rationale="r" * 300,
                ),
            )
        op = build_op(signer, "bench", kind, body, ids[-1:], number, version=2, seq=number)
        ids.append(op.op_id)
        wires.append(op.wire)
    return wires


def findings(*, quick: bool) -> Findings:
    """Take in a chain, then verify claims on one thread and on two."""
    wires = chain(5_000 if quick else 100_000)
    size = sum(map(len, wires)) // len(wires)

    def take_in() -> None:
        with (
            tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as name,
            lodestamp.open(Path(name) / "home") as node,
        ):
            for at in range(0, len(wires), BATCH):
                answers = node.append(wires[at : at + BATCH])
                assert all(isinstance(answer, Recorded) for answer in answers)

    def ours() -> Timing:
        return timed(take_in, len(wires))

    def verify_all() -> None:
        for wire in wires:
            verify_op(parse_op(wire))

    row = compare(
        f"take in operations of {size:,} bytes, durably, by 1,000",
        unit="operation",
        ours=ours,
        peer="parsing and verifying alone",
        theirs=trial(verify_all, len(wires)),
        rounds=1 if not quick else 3,
    )
    yield row
    per_second = 1 / row.ours.cpu
    yield Fact(
        "… operations per CPU-second",
        f"{per_second:,.0f}",
        aim=f"≥ {PER_SECOND_MIN:,}",
        is_met=per_second >= PER_SECOND_MIN,
    )
    ops = claims(2_000 if quick else 20_000)
    halves = [ops[at::THREADS] for at in range(THREADS)]

    def on_two() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            assert not any(error for errors in pool.map(verify_ops, halves) for error in errors)

    yield compare(
        "verify_ops on two threads",
        unit="claim",
        ours=trial(on_two, len(ops)),
        peer="the same on one",
        theirs=trial(lambda: verify_ops(ops), len(ops)),
        aim=1.7,
        rounds=5,
        clock="wall",
    )
