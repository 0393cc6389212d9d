"""templates.json: 35 spends; 23 hold, of which 5 rob or probe what we never build; 12 fail."""

from __future__ import annotations

from collections import Counter

import pytest

from covenants import first_error, load_cases, mutants, parameters_of, planned, signed
from lodestamp.core.bitcoin import CONSENSUS_CAT_CTV, to_asm, verify_input
from lodestamp.core.covenants import (
    INQUISITION,
    build,
    recognise,
    spend_vsize,
    verify_spend,
    write_asm,
)
from lodestamp.core.verdict import Status

SECRET, CASES = load_cases()
BY_ID = {case.id: case for case in CASES}
PINNED = [case for case in CASES if not case.is_unpinned]
WHOLE = [case for case in PINNED if case.expected == "OK"]

MUTANTS = {
    "T1/80B": 2, "T1/480B": 7, "T1/480B-one-item": 2, "T2/d5": 12, "T2/d10": 22, "T2/d20": 42,
    "T2/d32": 66, "T2b/459": 10, "T2b/2-level-480": 17, "T2b/2-level-digest": 12, "T3/ok": 0,
    "T4/ok": 5, "T5/ok": 10, "T5/owner-ok": 11, "T6/anyone-gen1": 15, "T6/anyone-gen2": 15,
    "T6/owner-gen1": 16, "T6/owner-gen2": 16,
}  # fmt: skip

FIGURES = {
    "T1/80B": (80, 160), "T1/480B": (85, 263), "T1/480B-one-item": (80, 261), "T2/d5": (118, 202),
    "T2/d10": (163, 257), "T2/d20": (253, 367), "T2/d32": (361, 499), "T2b/459": (83, 300),
    "T2b/2-level-480": (96, 448), "T2b/2-level-digest": (94, 334), "T3/ok": (34, 159),
    "T4/ok": (210, 255), "T5/ok": (233, 387), "T5/owner-ok": (267, 412),
    "T6/anyone-gen1": (291, 445), "T6/owner-gen1": (325, 470),
}  # fmt: skip


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


def test_there_are_35_cases_of_which_29_are_pinned_and_18_of_those_hold():
    assert (len(CASES), len(PINNED), len(WHOLE)) == (35, 29, 18)
    assert Counter(case.expected for case in CASES) == {
        "OK": 23, "EQUALVERIFY": 9, "PUSH_SIZE": 1, "TEMPLATE_MISMATCH": 1, "SCHNORR_SIG": 1,
    }  # fmt: skip


@named(CASES)
def test_the_machine_says_what_the_case_says_over_every_input(case):
    assert first_error(case.tx, case.spent) == case.expected
    assert case.tx.vsize == case.vsize
    assert case.tx.txid_display == case.raw["txid"]


@named(PINNED)
def test_a_leaf_is_built_byte_for_byte_from_its_parameters(case):
    made = build(case.kind, **parameters_of(case))
    assert made.leaf == case.leaf
    assert made.leaf_hash.hex() == case.raw["leaf_hash"]
    assert made.script_pubkey == case.script
    assert made.control_block == case.control
    assert recognise(case.leaf) == made
    assert write_asm(made.params) == to_asm(case.leaf)
    assert len(made.leaf) == case.raw["script_len"]


@named([case for case in CASES if case.is_unpinned])
def test_r23_what_is_not_pinned_is_not_recognised_and_so_cannot_be_built(case):
    assert recognise(case.leaf) is None
    verdict = verify_spend(case.tx, case.index, case.spent, INQUISITION)
    assert verdict.leg("leaf_recognised").code == "leaf_recognised.unrecognised-leaf"
    assert verdict.status is Status.REFUTED
    if case.kind != "LIMIT":  # what is built of the same parameters has its pins
        assert build(case.kind, **parameters_of(case)).leaf != case.leaf


@named(WHOLE)
def test_a_spend_is_planned_and_signed_to_the_very_bytes_of_the_case(case):
    plan = planned(case)
    assert plan.vsize == case.vsize
    assert signed(plan, SECRET) == case.tx


@named(WHOLE)
def test_every_mutant_of_one_witness_item_is_refused(case):
    tried = [verify_input(each, 0, case.spent, CONSENSUS_CAT_CTV) for each in mutants(case.tx)]
    assert len(tried) == MUTANTS[case.id]
    assert not any(verdict.ok for verdict in tried)


@named(WHOLE)
def test_the_verdict_on_a_whole_spend_establishes_every_leg(case):
    verdict = verify_spend(case.tx, 0, case.spent, INQUISITION)
    assert {leg.name: leg.status for leg in verdict.legs} == dict.fromkeys(
        ("nums_key", "leaf_recognised", "output_key", "script", "binds_what", "rules_assumed"),
        Status.ESTABLISHED,
    )


@named([BY_ID[name] for name in FIGURES])
def test_leaves_and_spends_have_the_sizes_of_the_table(case):
    assert (len(case.leaf), case.tx.vsize) == FIGURES[case.id]
    if "one-item" not in case.id:
        longer = spend_vsize(recognise(case.leaf)) - case.vsize
        assert longer >= 0
        assert case.kind == "T2B" or longer <= 1 + len(case.items) // 8


@pytest.mark.parametrize(
    ("robbed", "pinned"),
    [
        ("theft1/offset-shift-UNPINNED", "theft1/offset-shift-pinned"),
        ("theft2/merge-UNPINNED", "theft2/merge-pinned"),
        ("theft3/scriptsig-smuggle-step1-UNPINNED", "theft3/scriptsig-smuggle-step1-pinned"),
    ],
)
def test_each_forgery_robs_the_naive_script_and_is_refused_by_the_pinned_one(robbed, pinned):
    naive, safe = BY_ID[robbed], BY_ID[pinned]
    assert first_error(naive.tx, naive.spent) == "OK"
    assert first_error(safe.tx, safe.spent) == "EQUALVERIFY"
    assert recognise(naive.leaf) is None
    assert recognise(safe.leaf) is not None
    verdict = verify_spend(safe.tx, safe.index, safe.spent, INQUISITION)
    assert verdict.status is Status.REFUTED


def test_the_second_step_of_the_third_forgery_robs_the_naive_script():
    case = BY_ID["theft3/scriptsig-smuggle-step2-UNPINNED"]
    assert first_error(case.tx, case.spent) == "OK"
    assert recognise(case.leaf) is None
