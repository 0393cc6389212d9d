"""Hand-made DAGs, each named by its defect: every one gives exactly its code (content spec §13)."""

from __future__ import annotations

import pytest

from conftest import load_json
from lodestamp.core.content import Kind, check, ls, place, read, stat
from lodestamp.core.encoding import Cid
from lodestamp.errors import LodestampError

SHOWN_BY_READING_ALONE = {"limit.output-bytes"}
"""A whole check meets each of the bomb's blocks once, so only reading it is too much."""


def read_all(get, root):
    """Stream the file, or list the directory."""
    kind = stat(get, root).kind
    if kind == Kind.FILE:
        for _piece in read(get, root):
            pass
    elif kind in (Kind.DIRECTORY, Kind.SHARDED):
        list(ls(get, root))


def outcome(op, get, root, *, strict=False):
    """Return ok, or the code of the first error or defect."""
    try:
        if op == "read":
            read_all(get, root)
        elif op == "extract":
            list(place(get, root))
    except LodestampError as error:
        return error.code
    report = check(get, root, strict=strict)
    assert report.missing == ()
    return report.defects[0].code if report.defects else "ok"


@pytest.fixture(scope="module")
def cases(vectors):
    return load_json(vectors / "content/dag_defects.json")["cases"]


def test_42_defects_give_exactly_their_codes(cases):
    for case in cases:
        root = Cid.parse(case["root"])
        get = {Cid.parse(cid): bytes.fromhex(block) for cid, block in case["blocks"].items()}.get
        expected, _, when_strict = case["expect"].partition("; strict: ")
        assert outcome(case["op"], get, root) == expected, case["name"]
        if when_strict:
            assert outcome(case["op"], get, root, strict=True) == when_strict
    assert len(cases) == 42


def test_a_check_alone_finds_what_reading_finds(cases):
    """R54, R92: `check` proves what a reader would refuse."""
    found = 0
    for case in cases:
        expected = case["expect"].partition(";")[0]
        if case["op"] == "extract" or expected in SHOWN_BY_READING_ALONE | {"ok"}:
            continue
        get = {Cid.parse(cid): bytes.fromhex(block) for cid, block in case["blocks"].items()}.get
        report = check(get, Cid.parse(case["root"]))
        assert report.defects[0].code == expected, case["name"]
        found += 1
    assert found == 28
