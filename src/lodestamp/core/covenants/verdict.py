"""Judging the spend of a covenant, leg by leg, from the transaction alone (R22, R23, R27).

``nums_key`` nobody can spend by key · ``leaf_recognised`` the leaf, and every other leaf of its
tree, is a template of ours · ``output_key`` the spent output commits to it · ``script`` our machine
accepts · ``binds_what`` what the spend shows or forces · ``rules_assumed`` the rules it stands on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin import (
    LEAF_TAPSCRIPT,
    ControlBlock,
    ScriptVerdict,
    Transaction,
    Tree,
    TxOut,
    is_unspendable_key,
    parse_control_block,
    verify_input,
    witness_program,
)
from lodestamp.core.covenants.bound import Bound, bound_by
from lodestamp.core.covenants.covenant import Covenant, leaves_of, recognise
from lodestamp.core.covenants.rules import Rules
from lodestamp.core.verdict import Fact, Leg, Status, Verdict
from lodestamp.errors import LodestampError, MalformedScript, UsageError

LEGS: Final = (
    "nums_key",
    "leaf_recognised",
    "output_key",
    "script",
    "binds_what",
    "rules_assumed",
)
_ANNEX: Final = 0x50


@dataclass(frozen=True, slots=True)
class CovenantVerdict:
    """The joined answer, the covenant that was recognised, and the rules it was judged by."""

    joined: Verdict
    covenant: Covenant | None
    rules: Rules
    bound: Bound | None = None

    @property
    def status(self) -> Status:
        """Established, refuted or unknown."""
        return self.joined.verdict

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs, in the order of `LEGS`."""
        return self.joined.legs

    def leg(self, name: str) -> Leg:
        """Return one leg; KeyError for a name outside `LEGS`."""
        return self.joined.leg(name)

    def as_json(self) -> dict[str, object]:
        """Return the verdict as the JSON object of ``covenant check --json``."""
        return {
            "verdict": str(self.status),
            "exit": self.joined.exit_code,
            "kind": None if self.covenant is None else str(self.covenant.kind),
            "legs": [leg.as_json() for leg in self.legs],
            "rules_assumed": str(self.rules),
        }


def verify_spend(
    tx: Transaction,
    index: int,
    spent: Sequence[TxOut],
    rules: Rules,
    *,
    r: bytes | None = None,
    tree: Tree | None = None,
) -> CovenantVerdict:
    """Judge whether input `index` spends a covenant, and what that binds.

    `spent` are the outputs the transaction spends, in input order. `r` opens an internal key other
    than NUMS; `tree` shows the other leaves where the control block hides them (R23). UsageError
    for an index or outputs that do not fit the transaction; nothing in its bytes raises.
    """
    if not 0 <= index < len(tx.inputs) or len(spent) != len(tx.inputs):
        raise UsageError("the index or the spent outputs do not fit the transaction")
    machine = verify_input(tx, index, spent, rules.flags)
    witness = tx.inputs[index].witness
    if len(witness) > 1 and witness[-1][:1] == bytes((_ANNEX,)):
        witness = witness[:-1]
    program = witness_program(spent[index].script)
    opened = _opened(witness) if program and program[0] == 1 and len(program[1]) == 32 else None
    if opened is None or program is None:
        return _without_leaf(machine, rules)
    leaf, control = opened
    cov = recognise(leaf) if control.version == LEAF_TAPSCRIPT else None
    legs = [
        _judge_key(control, r),
        _judge_leaf(leaf, control, cov, tree),
        _judge_output(control, program[1], leaf),
        _judge_script(machine, rules),
    ]
    bound = None
    if cov is not None and machine.ok and rules.enforce(cov.kind):
        leg, bound = _judge_binding(cov, tx, index, spent, witness[:-2])
    else:
        leg = Leg.unknown(
            "binds_what", "blocked", "rests on a leg that does not hold", counts=False
        )
    legs += [leg, _judge_rules(cov, rules)]
    return CovenantVerdict(Verdict.of(tuple(legs)), cov, rules, bound)


def _opened(witness: Sequence[bytes]) -> tuple[bytes, ControlBlock] | None:
    if len(witness) < 2:
        return None
    try:
        return witness[-2], parse_control_block(witness[-1])
    except MalformedScript:
        return None


def _without_leaf(machine: ScriptVerdict, rules: Rules) -> CovenantVerdict:
    reason = "the input shows no leaf: it is no spend by a script of taproot"
    blocked = "no leaf was shown"
    legs = (
        Leg.unknown("nums_key", "blocked", blocked, counts=False),
        Leg.refuted("leaf_recognised", "no-leaf", reason),
        Leg.unknown("output_key", "blocked", blocked, counts=False),
        _judge_script(machine, rules),
        Leg.unknown("binds_what", "blocked", blocked, counts=False),
        _judge_rules(None, rules),
    )
    return CovenantVerdict(Verdict.of(legs), None, rules)


def _judge_key(control: ControlBlock, r: bytes | None) -> Leg:
    if not is_unspendable_key(control.internal, r):
        detail = "whoever knows the internal key's secret can spend without the script"
        return Leg.refuted("nums_key", "key-path-open", detail)
    basis = "NUMS" if r is None else "NUMS + r·G, r given"
    return Leg(
        "nums_key", Status.ESTABLISHED, basis=basis, facts={"internal_key": control.internal.hex()}
    )


def _judge_leaf(leaf: bytes, control: ControlBlock, cov: Covenant | None, tree: Tree | None) -> Leg:
    name = "leaf_recognised"
    if cov is None:
        return Leg.refuted(name, "unrecognised-leaf", "the leaf is none of our templates")
    facts: dict[str, Fact] = {"kind": str(cov.kind), "leaf_hash": cov.leaf_hash.hex(), "leaves": 1}
    if control.path:
        if tree is None:
            detail = "the tree has other leaves, which were not shown"
            return Leg.unknown(name, "leaves-not-shown", detail)
        leaves = leaves_of(tree)
        if tree.hash != control.root_of(leaf) or leaf not in leaves:
            return Leg.refuted(name, "other-tree", "the leaves shown are not those of the output")
        if not all(recognise(each) for each in leaves):
            return Leg.refuted(name, "unrecognised-leaf", "another leaf is none of our templates")
        facts["leaves"] = len(leaves)
    return Leg(name, Status.ESTABLISHED, basis=f"template {cov.kind}, byte for byte", facts=facts)


def _judge_output(control: ControlBlock, output: bytes, leaf: bytes) -> Leg:
    if not control.commits_to(output, leaf):
        detail = "leaf and control block do not make the spent output's key"
        return Leg.refuted("output_key", "other-key", detail)
    return Leg("output_key", Status.ESTABLISHED, basis="BIP-341", facts={"key": output.hex()})


def _judge_script(machine: ScriptVerdict, rules: Rules) -> Leg:
    if not machine.ok:
        return Leg.refuted("script", str(machine.error), f"the machine ends with {machine.error}")
    return Leg(
        "script",
        Status.ESTABLISHED,
        basis=f"our script machine under {rules.name}",
        facts={"steps": machine.steps, "sigops": machine.sigops},
    )


def _judge_binding(
    cov: Covenant,
    tx: Transaction,
    index: int,
    spent: Sequence[TxOut],
    items: Sequence[bytes],
) -> tuple[Leg, Bound | None]:
    try:
        bound = bound_by(cov, tx, index, spent, items)
    except LodestampError as error:
        return Leg.refuted("binds_what", error.code, error.message), None
    return Leg("binds_what", Status.ESTABLISHED, basis=bound.words, facts=bound.facts), bound


def _judge_rules(cov: Covenant | None, rules: Rules) -> Leg:
    facts: dict[str, Fact] = {"rules": rules.name, "network": rules.network}
    facts |= {f"{name}_height": at for name, at in rules.heights.items()}
    if cov is not None and not rules.enforce(cov.kind):
        detail = f"under {rules} the leaf binds nobody: anyone could spend the coin"
        return Leg(
            "rules_assumed",
            Status.REFUTED,
            "rules_assumed.anyone-could-spend",
            detail=detail,
            facts=facts,
        )
    return Leg("rules_assumed", Status.ESTABLISHED, basis=f"assumed: {rules}", facts=facts)
