"""Checking an ownership proof, leg by leg, without a node and without a scan (R48).

What a proof can never show is that nothing is missing: a branch proves that an operation is there,
never that no other one is. So `completeness` stays unknown until one's own scan has been asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.bitcoin import (
    NETWORKS,
    BlockHeader,
    TxInclusion,
    assess_run,
    check_inclusion,
    has_work,
)
from lodestamp.core.ownership.effects import Owner
from lodestamp.core.ownership.proof_form import (
    Claim,
    OwnershipProof,
    ProofHeaders,
    ProofOp,
    ProofPart,
)
from lodestamp.core.ownership.proof_reading import decode_ownership_proof
from lodestamp.core.ownership.proof_replay import balances_hash_of, replay, rests_on_witnesses
from lodestamp.core.ownership.rules import Rules
from lodestamp.core.verdict import Leg, Status, Verdict
from lodestamp.errors import MalformedProof, SourceIncomplete, UsageError

NOTE: Final = (
    "branches cannot show that no earlier or other operation exists; only a scan of the chain can"
)
"""What every verdict says of completeness."""

_WITNESSES: Final = "rules.witnesses"

OwnHeaders = Callable[[int], BlockHeader | None]
"""Gives the header of one's own best chain at a height; None where one has none."""


@dataclass(frozen=True, slots=True)
class OwnershipVerdict:
    """The legs ``inclusion``, ``work``, ``rules``, ``completeness``, and what was claimed.

    `pinned` is the block that establishes the headers, `work` the hashes from the last operation
    on. The claim is the proof's; `verdict` tells what of it holds.
    """

    verdict: Verdict
    rules: Rules
    sha1: str
    height: int
    claim: Claim
    pinned: bytes | None = None
    work: int = 0
    note: str = NOTE

    @property
    def exit_code(self) -> int:
        """0 established, 1 refuted, 2 unknown."""
        return self.verdict.exit_code

    def with_own_scan(
        self,
        state_hash: bytes,
        cap_table: Mapping[Owner, int],
        registrant: Owner | None = None,
    ) -> OwnershipVerdict:
        """Return the verdict after a look at one's own scan, at the proof's height.

        `state_hash` is one's own there, `cap_table` one's own of the work, as is `registrant` where
        it is given. All must agree: a proof with an operation dropped may well quote the chain's
        state hash. A scan that agrees has seen the witnesses, too.
        """
        if state_hash != self.claim.state_hash:
            leg = Leg.refuted("completeness", "state-differs", "one's own scan has another state")
        elif dict(cap_table) != dict(self.claim.cap_table) or registrant not in {
            None,
            self.claim.registrant,
        }:
            message = "one's own scan has other holders: operations are missing here"
            leg = Leg.refuted("completeness", "holders-differ", message)
        else:
            leg = Leg("completeness", Status.ESTABLISHED, basis="one's own scan of the chain")
        before = self.verdict.legs[:-1]
        if leg.status is Status.ESTABLISHED:
            seen = Leg("rules", Status.ESTABLISHED, basis="one's own scan of the chain")
            before = tuple([seen if each.code == _WITNESSES else each for each in before])
        legs = (*before, leg)
        return replace(self, verdict=Verdict.of(legs, subject=self.sha1))

    def as_json(self) -> dict[str, object]:
        """Return the verdict as the JSON object of ``ownership verify --json``."""
        table = {owner.hex(): units for owner, units in sorted(self.claim.cap_table.items())}
        return {
            **self.verdict.as_json(),
            "network": self.rules.network,
            "rules": self.rules.name,
            "rules_id": self.rules.rules_id.hex(),
            "sha1": self.sha1,
            "height": self.height,
            "registrant": self.claim.registrant.hex(),
            "cap_table": table,
            "state_hash": self.claim.state_hash.hex(),
            "pinned": None if self.pinned is None else self.pinned[::-1].hex(),
            "work": f"{self.work:x}",
            "note": self.note,
        }


def verify_ownership_proof(
    data: bytes,
    headers: OwnHeaders | None = None,
    pins: Mapping[bytes, int] | Iterable[tuple[bytes, int]] = (),
) -> OwnershipVerdict:
    """Judge a proof file. `pins` are heights by block hash, internal order, beside the network's.

    ProofMalformed when the file is none, RulesMismatch for rules that this version does not know;
    whatever does not hold is a refuted leg, what cannot be checked here an unknown one.
    """
    proof = decode_ownership_proof(data)
    work, pinned, hashes = _work(proof, headers, dict(pins))
    completeness = Leg.unknown("completeness", "only-a-scan", NOTE)
    legs = (_inclusion(proof), work, _rules(proof), completeness)
    verdict = Verdict.of(legs, subject=proof.sha1)
    return OwnershipVerdict(
        verdict, proof.rules, proof.sha1, proof.height, proof.claim, pinned, hashes
    )


def build_ownership_proof(
    rules: Rules,
    sha1: str,
    ops: Iterable[ProofOp],
    *,
    height: int,
    headers: ProofHeaders,
    state_hash: bytes,
) -> bytes:
    """Return the file of a proof, its claim computed from its own operations.

    `height` is that of the claim and `state_hash` the writer's own there.

    UsageError when they do not replay, LimitExceeded above `OWNERSHIP_PROOF_SIZE_MAX`,
    ProofMalformed when headers and parts do not fit each other.
    """
    listed = tuple(ops)
    replayed = replay(rules, sha1, listed, {})
    if replayed.fault is not None or replayed.registrant is None:
        raise UsageError(f"the operations prove nothing: {replayed.fault or 'not registered'}")
    table = replayed.cap_table
    claim = Claim(replayed.registrant, table, balances_hash_of(sha1, table), state_hash)
    return OwnershipProof(rules, sha1, height, headers, listed, claim).encode()


def _inclusion(proof: OwnershipProof) -> Leg:
    """Hold every part's branch against the header of its block."""
    count, headers = 0, proof.headers_used()
    for op in proof.ops:
        for part in op.parts:
            reason = _part_fault(part, headers[part.height])
            if reason is not None:
                code, said = reason
                where = f"transaction {part.tx.txid_display}, height {part.height}: {said}"
                return Leg.refuted("inclusion", code, where)
            count += 1
    basis = f"{count} transactions are in the blocks of their headers"
    return Leg("inclusion", Status.ESTABLISHED, basis=basis)


def _part_fault(part: ProofPart, header: BlockHeader) -> tuple[str, str] | None:
    stripped = part.tx.encode(witness=False)
    try:
        check_inclusion(TxInclusion(stripped, part.index, part.branch, header))
    except MalformedProof as error:
        return error.code, error.message
    return None


def _work(
    proof: OwnershipProof, own: OwnHeaders | None, pins: Mapping[bytes, int]
) -> tuple[Leg, bytes | None, int]:
    """Judge the headers; beside the leg the pinned block and the work, where they count."""
    net = NETWORKS[proof.rules.network]
    headers, used = proof.headers, proof.headers_used()
    if not all(has_work(each, net) for each in used.values()):
        return Leg.refuted("work", "high-hash", "a header lacks its work"), None, 0
    run_leg, pinned, hashes = None, None, 0
    if headers.mode == "full":
        index = max(used) - headers.first
        found = assess_run(headers.headers, pins, net, index=index, height=headers.first)
        run_leg = Leg(
            "work",
            found.status,
            code=f"work.{found.code}" if found.code else "",
            basis=found.basis if found.status is Status.ESTABLISHED else "",
            detail="" if found.status is Status.ESTABLISHED else found.basis,
            facts={"headers": len(headers.headers), "work_log2": f"{found.work_log2:.1f}"},
        )
        pinned, hashes = found.pinned, found.work
    if own is None or (run_leg is not None and run_leg.status is Status.REFUTED):
        detail = "lone headers prove nothing without headers of one's own"
        return run_leg or Leg.unknown("work", "sparse", detail), pinned, hashes
    return _on_own_chain(proof, own, run_leg), pinned, hashes


def _on_own_chain(proof: OwnershipProof, own: OwnHeaders, run_leg: Leg | None) -> Leg:
    """Hold the headers of all parts against one's own chain of headers."""
    for height, header in proof.headers_used().items():
        mine = own(height)
        if mine is None:
            detail = f"one's own headers do not reach height {height:,}"
            return run_leg or Leg.unknown("work", "own-headers-end", detail)
        if mine != header:
            detail = f"one's own chain has another block at height {height:,}"
            return Leg.refuted("work", "not-on-own-chain", detail)
    return Leg("work", Status.ESTABLISHED, basis="the headers are those of one's own chain")


def _rules(proof: OwnershipProof) -> Leg:
    """Replay the operations, and hold what comes out against the claim."""
    hashes = {height: header.hash for height, header in proof.headers_used().items()}
    try:
        replayed = replay(proof.rules, proof.sha1, proof.ops, hashes)
    except SourceIncomplete as error:
        return Leg.unknown("rules", "prevouts", error.message)
    if replayed.fault is not None:
        return Leg.refuted("rules", "operation", replayed.fault)
    claim, table = proof.claim, replayed.cap_table
    if claim.registrant != replayed.registrant or dict(claim.cap_table) != table:
        return Leg.refuted("rules", "claim", "the operations lead to other holders than claimed")
    if claim.balances_hash != balances_hash_of(proof.sha1, table):
        return Leg.refuted("rules", "claim", "the balances hash is not that of the holders")
    loose = sum(rests_on_witnesses(op, proof.rules) for op in proof.ops)
    if loose:
        message = (
            f"{len(proof.ops)} operations lead to the claim, but who signed {loose} of them stands "
            f"in witnesses, to which no branch leads; one's own scan can tell"
        )
        return Leg.unknown("rules", "witnesses", message)
    basis = f"{len(proof.ops)} operations replayed under {proof.rules}"
    return Leg("rules", Status.ESTABLISHED, basis=basis)
