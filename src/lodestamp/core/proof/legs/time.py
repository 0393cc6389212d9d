"""The ``time`` leg: the checkpoint existed no later than a block of Bitcoin (§9.1, R74-R76).

Each anchor is followed from the checkpoint's anchor digest, which is computed here, to a header.
The leg stands when at least one anchor does, none is refuted and none is still pending; an anchor
that is merely too weak, or of a network nobody accepts, counts for nothing beside one that stands.
A miner may be two hours ahead of time, so the claim is "no later than" the header's time and those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lodestamp.core.bitcoin import BlockHeader
from lodestamp.core.proof.anchor import Anchor, anchor_digest
from lodestamp.core.proof.best_chain import HeaderTrust
from lodestamp.core.proof.legs.anchor_path import (
    Fault,
    read_path,
    read_root,
    read_waiting,
    run_path,
    steps_of,
)
from lodestamp.core.proof.legs.header_run import Run, weigh
from lodestamp.core.transparency import Checkpoint
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import LodestampError

NAME: Final = "time"
AHEAD_S_MAX: Final = 7_200
"""Seconds by which a header's time may be ahead: what every node lets pass (R75)."""
_CHAINED: Final = "chained to {} by a covenant, as far as {} enforces OP_CAT (BIP-347)"


@dataclass(frozen=True, slots=True)
class AnchorFinding:
    """How one anchor stands; `facts` are of its header, where it has one that was weighed."""

    anchor: Anchor
    status: Status
    reason: str = ""
    basis: str = ""
    detail: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Network, height and standing, on one line."""
        place = "pending" if self.anchor.height is None else f"block {self.anchor.height}"
        standing = f"{self.status} ({self.reason})" if self.reason else str(self.status)
        return f"{self.anchor.network} {place}: {standing}"


def check_time(anchors: Iterable[Anchor], checkpoint: Checkpoint, trust: HeaderTrust) -> Leg:
    """Follow and weigh each anchor of a checkpoint, and join what they say."""
    digest = anchor_digest(checkpoint.origin, checkpoint.size, checkpoint.root)
    findings = [_judge(anchor, digest, checkpoint.origin, trust) for anchor in anchors]
    return _join(findings)


def _join(findings: list[AnchorFinding]) -> Leg:
    """Return the leg: its code is the gravest anchor's, its facts those of the earliest header."""
    chosen = min(findings, key=_gravity)
    facts = dict(chosen.facts)
    if len(findings) > 1:
        facts["anchors"] = [each.shown for each in findings]
    if chosen.status is Status.ESTABLISHED:
        return Leg(NAME, Status.ESTABLISHED, basis=chosen.basis, facts=facts)
    place = f"anchor {findings.index(chosen) + 1} of {len(findings)}, " if len(findings) > 1 else ""
    detail = f"{place}{chosen.anchor.network}: {chosen.detail}"
    return Leg(NAME, chosen.status, f"{NAME}.{chosen.reason}", detail=detail, facts=facts)


def _gravity(finding: AnchorFinding) -> tuple[int, int]:
    """Refuted, then pending, then established with the earliest first, then what is too weak."""
    if finding.status is Status.REFUTED:
        return 0, 0
    if finding.anchor.height is None:
        return 1, 0
    time = finding.facts["time"]
    rank = 2 if finding.status is Status.ESTABLISHED else 3
    return rank, time if isinstance(time, int) else 0


def _judge(anchor: Anchor, digest: bytes, origin: str, trust: HeaderTrust) -> AnchorFinding:
    if anchor.height is None:
        return _pending(anchor, digest)
    root = _follow(anchor, anchor.height, digest)
    if isinstance(root, Fault):
        return _refuted(anchor, root)
    run = _headers_over(anchor, root)
    if isinstance(run, Fault):
        return _refuted(anchor, run)
    if fault := _check_chain(anchor, digest, origin):
        return _refuted(anchor, fault)
    weighed = weigh(run, anchor.height, anchor.network, trust)
    if isinstance(weighed, Fault):
        return _refuted(anchor, weighed)
    first = run[0]
    facts: dict[str, Fact] = {
        "network": anchor.network,
        "height": anchor.height,
        "hash": first.hash_display,
        "time": first.time,
        "not_after": first.time + AHEAD_S_MAX,
        "work_log2": weighed.work_log2,
        "headers": len(run),
    }
    basis = weighed.basis
    if anchor.chain is not None:
        genesis = anchor.chain.genesis_txid[::-1].hex()
        facts["genesis"] = genesis
        basis += "; " + _CHAINED.format(genesis, anchor.network)
    return AnchorFinding(anchor, weighed.status, weighed.reason, basis, weighed.detail, facts)


def _follow(anchor: Anchor, height: int, digest: bytes) -> bytes | Fault:
    """Return what the path of a complete anchor ends in."""
    root = run_path(anchor.ots, digest, height)
    if root is not None:
        return root
    timestamp = read_path(anchor, digest)
    return timestamp if isinstance(timestamp, Fault) else read_root(timestamp, height)


def _headers_over(anchor: Anchor, root: bytes) -> Run | Fault:
    """Return the headers, whose first must have this Merkle root."""
    try:
        run = tuple(map(BlockHeader.decode, anchor.run()))
    except LodestampError as error:
        return Fault("pow_invalid", error.message)
    if root != run[0].merkle:
        detail = f"the path ends in {root.hex():.64}, the header's root is {run[0].merkle.hex()}"
        return Fault("root_mismatch", detail)
    return run


def _check_chain(anchor: Anchor, digest: bytes, origin: str) -> Fault | None:
    if anchor.chain is None:
        return None
    # Few anchors have a chain, and the room of covenants takes a while to import.
    from lodestamp.core.proof.legs.state_chain import check_state_chain  # noqa: PLC0415

    timestamp = read_path(anchor, digest)
    if isinstance(timestamp, Fault):
        return timestamp
    return check_state_chain(anchor.chain, steps_of(timestamp), origin)


def _pending(anchor: Anchor, digest: bytes) -> AnchorFinding:
    timestamp = read_path(anchor, digest)
    waiting = timestamp if isinstance(timestamp, Fault) else read_waiting(timestamp)
    if isinstance(waiting, Fault):
        return _refuted(anchor, waiting)
    detail = f"not in a block yet, or its headers are not carried: {waiting[0]:.200}"
    facts: dict[str, Fact] = {"network": anchor.network, "waiting": waiting}
    return AnchorFinding(anchor, Status.UNKNOWN, "pending", "", detail, facts)


def _refuted(anchor: Anchor, fault: Fault) -> AnchorFinding:
    return AnchorFinding(anchor, Status.REFUTED, fault.reason, "", fault.detail)
