"""Our public vectors of attribution: each case, and that the folder is generated (R4-R9, Q1)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from conftest import REPOSITORY, load_json
from lodestamp.core.bitcoin import CONSENSUS, Transaction, TxOut, verify_input
from lodestamp.core.ownership import Rules, attribute
from owners import asked

FOLDER = REPOSITORY / "tests" / "vectors" / "ownership"
COUNTS = {"e1": 84, "legacy": 6, "forged": 47}
CASES = [
    pytest.param(case, id=f"{kind}: {case['name']}")
    for kind in COUNTS
    for case in load_json(FOLDER / f"attribution_{kind}.json")
]


@pytest.mark.parametrize("case", CASES)
def test_each_input_has_the_owner_that_a_signature_proves(case):
    """R4 to R6, R8: under `strict`; and prevouts are asked for only where they decide (R9)."""
    tx = Transaction.decode(bytes.fromhex(case["tx"]))
    prevouts, calls = asked([TxOut(value, bytes.fromhex(hex_)) for value, hex_ in case["prevouts"]])
    found = attribute(tx, prevouts, case["height"], Rules.strict(case["network"]))
    assert [owner and owner.hex() for owner in found] == case["strict"]
    assert len(calls) == case["needs_prevouts"]


@pytest.mark.parametrize("case", CASES)
def test_the_original_engine_believes_the_shape(case):
    """Q1: two chunks, the second of them the key; no signature is checked, no prevout asked for."""
    tx = Transaction.decode(bytes.fromhex(case["tx"]))
    prevouts, calls = asked(())
    found = attribute(tx, prevouts, case["height"], Rules.peer_compat(case["network"]))
    assert [owner and owner.hex() for owner in found] == case["peer_compat"]
    assert calls == []


@pytest.mark.parametrize("case", CASES)
def test_what_proves_an_owner_may_spend_from_it(case):
    """An independent judge agrees: the script machine lets each such input spend its owner."""
    tx = Transaction.decode(bytes.fromhex(case["tx"]))
    spent = [TxOut(value, bytes.fromhex(hex_)) for value, hex_ in case["prevouts"]]
    for index, owner in enumerate(case["strict"]):
        if owner is not None:
            spent[index] = TxOut(spent[index].amount, bytes.fromhex(owner))
            assert verify_input(tx, index, spent, CONSENSUS).ok


def test_there_are_as_many_cases_as_the_page_of_vectors_says():
    counted = {kind: len(load_json(FOLDER / f"attribution_{kind}.json")) for kind in COUNTS}
    assert counted == COUNTS
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_generator_writes_this_folder_byte_for_byte():
    made = generator().vectors()
    assert made == {path.name: path.read_bytes() for path in FOLDER.glob("*.json")}


def generator() -> ModuleType:
    path: Path = FOLDER / "generate.py"
    spec = importlib.util.spec_from_file_location("ownership_vectors", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
