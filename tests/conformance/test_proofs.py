"""Our public vectors of the proof file: each case, and that the folder is what generates it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nacl.exceptions import BadSignatureError

from anchors import Chain
from conftest import REPOSITORY, load_json
from lodestamp.core.bitcoin import network_named
from lodestamp.core.proof import CODES, Proof, Trust, verify

FOLDER = REPOSITORY / "tests" / "vectors" / "proof"
CASES: list[dict[str, Any]] = load_json(FOLDER / "expected.json")["cases"]
SPEC = (REPOSITORY / "docs" / "spec" / "proof.md").read_text("utf-8")


def content_of_case(case: dict[str, Any]) -> bytes | None:
    stated = case["content"]
    if stated is None or "hex" in stated:
        return bytes.fromhex(stated["hex"]) if stated else None
    modulus, size = stated["byte_i_is_i_mod"], stated["size"]
    return (bytes(range(modulus)) * (size // modulus + 1))[:size]


def store_of_case(case: dict[str, Any]) -> Chain | None:
    """Return what the verifier knows of the best chain."""
    known = case["headers"]
    if known is None:
        return None
    hashes = [bytes.fromhex(shown)[::-1] for shown in known["hashes"]]
    return Chain(network_named(known["network"]), known["height"], hashes)


def test_the_folder_holds_this_many_cases():
    assert Counter(case["proof"].partition("/")[0] for case in CASES) == {
        "valid": 66,
        "invalid": 143,
    }
    assert Counter(case["exit"] for case in CASES) == {0: 44, 1: 143, 2: 22}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["proof"])
def test_each_case_gets_its_verdict(case: dict[str, Any]):
    data = (FOLDER / case["proof"]).read_bytes()
    trust = Trust.parse(json.dumps(case["trust"]).encode()) if case["trust"] else None
    verdict = verify(
        data,
        trust,
        content_of_case(case),
        without_content=case["without_content"],
        headers=store_of_case(case),
    )
    assert case == {
        **case,
        "verdict": str(verdict.verdict),
        "exit": verdict.exit_code,
        "subject": verdict.subject,
        "ignored": list(verdict.ignored),
        "legs": {
            leg.name: {"status": str(leg.status), "code": leg.code, "basis": leg.basis}
            for leg in verdict.legs
        },
    }


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["legs"]["format"]["status"] == "established"],
    ids=lambda case: case["proof"],
)
def test_each_well_formed_file_encodes_to_itself(case: dict[str, Any]):
    data = (FOLDER / case["proof"]).read_bytes()
    assert Proof.parse(data).encode() == data


def test_an_invalid_file_is_refuted_in_one_leg_and_named_by_it():
    for case in CASES:
        refuted = [name for name, leg in case["legs"].items() if leg["status"] == "refuted"]
        assert len(refuted) == case["proof"].startswith("invalid/"), case["proof"]


def test_the_generator_writes_this_folder_byte_for_byte():
    made = generator().vectors()
    kept = {
        str(path.relative_to(FOLDER)): path.read_bytes()
        for path in FOLDER.rglob("*.json")
        if path.is_file()
    }
    assert made.keys() == kept.keys()
    assert {name for name in made if made[name] != kept[name]} == set()


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("proof_vectors", FOLDER / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# docs/spec/proof.md


def test_the_spec_lists_exactly_the_codes_there_are():
    table = SPEC.partition("## Codes")[2].partition("\n## ")[0]
    listed = {}
    for row in re.findall(r"^\|( `\w+` \|.*)\|$", table, re.MULTILINE):
        leg, refuting, leaving = row.split("|")
        for status, names in (("refuted", refuting), ("unknown", leaving)):
            listed |= {f"{leg.strip(' `')}.{name}": status for name in re.findall(r"\w+", names)}
    assert listed == {code: str(status) for code, status in CODES.items()}


def test_the_worked_example_of_the_spec_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    vector = (FOLDER / "valid" / "evidence_small_file.proof.json").read_bytes()
    run_example(tmp_path, vector, b"hello world\n")
    assert capsys.readouterr().out == "established\n"


@pytest.mark.parametrize(
    "defect",
    [
        "format_newline_at_end",
        "operation_field_changed",
        "content_profile_changed",
        "log_index_of_a_neighbour",
        "log_path_swapped",
        "note_root_changed",
    ],
)
def test_the_worked_example_refuses_a_proof_with_a_defect(defect: str, tmp_path: Path):
    vector = (FOLDER / "invalid" / f"{defect}.proof.json").read_bytes()
    with pytest.raises((AssertionError, BadSignatureError)):
        run_example(tmp_path, vector, b"hello world\n")


def run_example(folder: Path, proof: bytes, content: bytes) -> None:
    program = re.search(r"```python\n(.*?)```", SPEC, re.DOTALL)
    assert program is not None
    (folder / "hello.txt.proof.json").write_bytes(proof)
    (folder / "hello.txt").write_bytes(content)
    code = program[1].replace('"hello.txt', f'"{folder}/hello.txt')
    exec(compile(code, "proof.md", "exec"), {})  # noqa: S102


# docs/spec/proof.schema.json


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = load_json(REPOSITORY / "docs" / "spec" / "proof.schema.json")
    return loaded


def fits(value: Any, rule: dict[str, Any], root: dict[str, Any]) -> bool:
    """Validate by the keywords of draft 2020-12 that our schema uses, and by no other."""
    checks = dict(rule)
    for word in ("$schema", "$id", "$defs", "title", "description", "contentEncoding"):
        checks.pop(word, None)
    return all(CHECKS[word](value, given, rule, root) for word, given in checks.items())


TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int}
CHECKS: dict[str, Any] = {
    "$ref": lambda v, ref, _r, root: fits(v, root["$defs"][ref.removeprefix("#/$defs/")], root),
    "type": lambda v, name, _r, _root: isinstance(v, TYPES[name]) and not isinstance(v, bool),
    "const": lambda v, wanted, _r, _root: type(v) is type(wanted) and v == wanted,
    "required": lambda v, names, _r, _root: set(names) <= v.keys(),
    "properties": lambda v, rules, _r, root: all(
        fits(v[name], rules[name], root) for name in v.keys() & rules.keys()
    ),
    "additionalProperties": lambda v, allowed, r, _root: (
        allowed or v.keys() <= set(r["properties"])
    ),
    "dependentRequired": lambda v, needs, _r, _root: all(
        set(names) <= v.keys() for name, names in needs.items() if name in v
    ),
    "items": lambda v, rule, _r, root: all(fits(item, rule, root) for item in v),
    "minProperties": lambda v, least, _r, _root: len(v) >= least,
    "minItems": lambda v, least, _r, _root: len(v) >= least,
    "maxItems": lambda v, most, _r, _root: len(v) <= most,
    "uniqueItems": lambda v, _on, _r, _root: len({json.dumps(item) for item in v}) == len(v),
    "enum": lambda v, wanted, _r, _root: v in wanted,
    "oneOf": lambda v, rules, _r, root: sum(fits(v, each, root) for each in rules) == 1,
    "maxLength": lambda v, most, _r, _root: len(v) <= most,
    "minLength": lambda v, least, _r, _root: len(v) >= least,
    "pattern": lambda v, pattern, _r, _root: re.search(pattern, v) is not None,
    "minimum": lambda v, least, _r, _root: v >= least,
    "maximum": lambda v, most, _r, _root: v <= most,
}


SCHEMA_BLIND = {"format_too_deep", "format_float"}
"""Defects of its bytes that no JSON Schema sees."""


def test_the_schema_accepts_every_proof_of_version_1():
    root = schema()
    for case in CASES:
        if case["legs"]["format"]["status"] == "established":
            assert fits(load_json(FOLDER / case["proof"]), root, root), case["proof"]


def test_the_schema_refuses_what_has_another_shape():
    root = schema()
    refused = set()
    for case in CASES:
        code = case["legs"]["format"]["code"]
        if code and code not in ("format.not_utf8", "format.not_json", "format.not_canonical"):
            assert not fits(load_json(FOLDER / case["proof"]), root, root) or (
                Path(case["proof"]).name.removesuffix(".proof.json") in SCHEMA_BLIND
            ), case["proof"]
            refused.add(code)
    assert refused == {
        f"format.{name}"
        for name in ("bad_type", "limit", "missing_member", "unknown_member", "unsupported")
    }
