"""Weighing the headers of an anchor: what they rest on, if on anything (R74-R76, DESIGN D9).

A lone header proves nothing. The attested one stands when a block that is pinned follows it or is
it, when the verifier's header store has it under enough blocks, or when the work from it on reaches
the network's floor. What contradicts a pin or the store is refuted.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from types import MappingProxyType
from typing import Final, TypeAlias

from lodestamp.core.bitcoin import (
    BlockHeader,
    HeaderVerdict,
    NetworkParams,
    assess_run,
    network_named,
    target_of,
)
from lodestamp.core.proof.best_chain import HeaderTrust
from lodestamp.core.proof.bitcoin_trust import BITCOIN_TRUST
from lodestamp.core.proof.legs.anchor_path import Fault
from lodestamp.core.verdict import Status

_REASONS: Final = MappingProxyType(
    {"pin-conflict": "checkpoint_conflict", "bad-diffbits": "bits_invalid"}
)


Run: TypeAlias = tuple[BlockHeader, ...]
"""Headers, each upon the one before; the first is the attested one."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """How an attested header stands: `reason` and `detail` say why it does not."""

    status: Status
    basis: str = ""
    reason: str = ""
    detail: str = ""
    work: int = 0

    @property
    def work_log2(self) -> str:
        """The work from the attested header on, as a power of two."""
        return f"{log2(self.work):.1f}" if self.work else "0"


def weigh(run: Run, height: int, network: str, trust: HeaderTrust) -> Weighed | Fault:
    """Judge the first header of a run, which the anchor says is at `height`."""
    net = network_named(network)
    bitcoin = trust.bitcoin if network == trust.bitcoin.network else BITCOIN_TRUST
    if fault := _check_bits(run, net):
        return fault
    floor = 1 << bitcoin.work_floor_log2 if bitcoin.work_floor_log2 else None
    found = assess_run(run, bitcoin.pins, net, floor, height=height)
    if found.status is Status.REFUTED:
        return Fault(_REASONS.get(found.code, "pow_invalid"), found.basis)
    confirmations = 0
    if trust.store is not None and trust.store.network.name == network:
        known = trust.store.hash_at(height)
        if known is not None and known != run[0].hash:
            detail = f"the best chain has {known[::-1].hex()} at height {height:,}"
            return Fault("not_in_best_chain", detail)
        confirmations = trust.store.confirmations(run[0].hash)
        if known is None and confirmations:
            detail = f"the best chain has this block at another height than {height:,}"
            return Fault("not_in_best_chain", detail)
    if not trust.accepts(network):
        detail = f"an anchor in {network} counts only where --network or the trust file accepts it"
        return Weighed(Status.UNKNOWN, "", "network_not_accepted", detail, found.work)
    if found.pinned is None and confirmations >= max(bitcoin.min_confirmations, 1):
        basis = f"header store: {confirmations:,} blocks from it on"
        return Weighed(Status.ESTABLISHED, basis, work=found.work)
    return _by_itself(found, confirmations, bitcoin.min_confirmations)


def _by_itself(found: HeaderVerdict, confirmations: int, least: int) -> Weighed:
    """Say what the run alone shows, by a pin or by its work."""
    if found.pinned is not None:
        basis = f"pinned header: {found.basis}"
        return Weighed(Status.ESTABLISHED, basis, work=found.work)
    if found.status is Status.ESTABLISHED:
        basis = f"{found.basis}; the height is the file's word"
        return Weighed(Status.ESTABLISHED, basis, work=found.work)
    detail = found.basis
    if confirmations:
        detail += f"; the header store has {confirmations:,} blocks from it on, {least:,} are asked"
    return Weighed(Status.UNKNOWN, "", "work_below_floor", detail, found.work)


def _check_bits(run: Run, net: NetworkParams) -> Fault | None:
    """Refuse a target that is negative, zero, overflowing or easier than the network allows."""
    limit = target_of(net.pow_limit_bits) or 0
    for place, header in enumerate(run):
        target = target_of(header.bits)
        if target is None or target > limit:
            return Fault("bits_invalid", f"header {place} states the target {header.bits:08x}")
    return None
