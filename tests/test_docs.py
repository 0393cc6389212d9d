"""The docs are true: examples run, links resolve, and what the code has is written down."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

import limits_page
from conftest import REPOSITORY
from limits_page import SOURCE
from test_tidy import MODULES, definitions, error_classes, tracked_files, words

DOCS = REPOSITORY / "docs"
README = REPOSITORY / "README.md"
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md"), *REPOSITORY.glob("changelog.d/*.md")]
)
LEGS = (
    "format", "operation", "content", "authority", "log", "checkpoint", "witnesses", "ledger",
    "time",
)  # fmt: skip
"""The legs of a verdict, as the transparency spec §9.1 lists them."""
FRAGMENT_KINDS = ("added", "changed", "fixed", "removed", "security")


def _title(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@cache
def prose(path: Path) -> str:
    """Return a page's text."""
    return path.read_text("utf-8")


@cache
def all_prose() -> str:
    """Return every page that a reader is led to, but for the changelog's fragments."""
    return "\n".join(prose(page) for page in PAGES if page.parent.name != "changelog.d")


# Examples


def _run(test: doctest.DocTest) -> doctest.TestResults:
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_NDIFF)
    report: list[str] = []
    results = runner.run(test, out=report.append)
    assert results.failed == 0, "".join(report)
    return results


@pytest.mark.parametrize("module", [each for each in MODULES if ">>> " in each.text], ids=repr)
def test_examples_in_docstrings_run(module):
    for test in doctest.DocTestFinder().find(importlib.import_module(module.name)):
        _run(test)


def test_some_docstrings_have_examples():
    assert sum(">>> " in module.text for module in MODULES) >= 5


@pytest.mark.parametrize("page", [page for page in PAGES if ">>> " in prose(page)], ids=_title)
def test_examples_in_pages_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = doctest.DocTestParser()
    examples = re.sub(r"^```.*$", "", prose(page), flags=re.MULTILINE)
    test = parser.get_doctest(examples, {}, _title(page), str(page), 0)
    assert _run(test).attempted > 0


# Tampers


def test_every_row_of_the_tamper_suite_names_its_tests_and_what_catches_it():
    """59 rows; the numbered tests and the tests that the table names are the same."""
    sources = [
        REPOSITORY / "tests/e2e" / name for name in ("test_tampers.py", "test_store_tampers.py")
    ]
    defined = set(re.findall(r"^def (test_\d\d_\w+)", "".join(map(prose, sources)), re.MULTILINE))
    rows = re.findall(
        r"^\| (\d+) \| .+ \| .+ \| (.+) \|$", prose(DOCS / "spec/tampers.md"), re.MULTILINE
    )
    named = {number: re.findall(r"`(\w+)`", cell) for number, cell in rows}
    assert list(map(int, named)) == list(range(1, 60))
    assert all(named.values())
    assert set().union(*named.values()) == defined


# Links


def anchors(text: str) -> set[str]:
    """Return the anchor of each heading, as code hosts spell it."""
    headings = re.findall(r"^#+ (.+)$", _without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Return the target of each link that stays inside the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", _without_code(text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def test_links_between_files_resolve():
    broken = []
    for page in PAGES:
        for target in links(prose(page)):
            name, _, anchor = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if not file.exists():
                broken.append(f"{_title(page)}: {target}")
            elif anchor and anchor not in anchors(prose(file)):
                broken.append(f"{_title(page)}: no heading for {target}")
    assert broken == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        targets = (target.partition("#")[0] for target in links(prose(page)))
        waiting += [page.parent / target for target in targets if target]
    lost = {_title(page) for page in PAGES if page not in reached}
    assert {each for each in lost if not each.startswith("changelog.d/")} == set()


# Coverage


def test_every_error_is_in_the_reference():
    table = re.findall(r"^\| `(\w+)` \|", prose(DOCS / "reference.md"), re.MULTILINE)
    assert set(error_classes()) == {name for name in table if name in error_classes()}
    capitals = {name for name in table if name[0].isupper()}
    assert capitals == set(error_classes())


def test_every_leg_is_in_the_reference_and_in_the_threat_model():
    for page in (DOCS / "reference.md", REPOSITORY / "SECURITY.md"):
        assert [leg for leg in LEGS if f"`{leg}`" not in prose(page)] == []


def test_the_source_makes_only_legs_that_are_documented():
    found = {
        node.value.value
        for module in MODULES
        if module.name.startswith("lodestamp.core.proof")
        for node in module.tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "NAME"
        if isinstance(node.value, ast.Constant)
    }
    assert found <= set(LEGS)
    assert importlib.import_module("lodestamp.core.proof").LEGS == LEGS


def test_the_page_of_limits_is_what_the_source_says():
    assert prose(limits_page.PAGE) == limits_page.page(), "run tests/limits_page.py to renew it"


def test_every_limit_has_a_reason():
    found = [limit for path in SOURCE.rglob("*.py") for limit in limits_page.limits(path)]
    assert len(found) >= 5
    assert [f"{room}.{name}" for room, name, _, why in found if not why] == []


def test_every_room_of_core_has_a_page_in_the_spec():
    rooms = {each.room for each in MODULES if each.wing == "core" and each.path.stem == "__init__"}
    pages = {page.stem for page in (DOCS / "spec").glob("*.md")}
    assert {room for room in rooms if room} <= pages


def test_every_verb_is_in_the_reference():
    import typer

    app = importlib.import_module("lodestamp.faces.cli").app
    verbs = sorted(_verbs(typer.main.get_command(app), "lodestamp"))
    assert len(verbs) > 5
    assert [verb for verb in verbs if f"`{verb}" not in prose(DOCS / "reference.md")] == []


def _verbs(command, path):
    children = getattr(command, "commands", None)
    if children is None:
        return [path]
    return [verb for name, child in children.items() for verb in _verbs(child, f"{path} {name}")]


def test_every_make_verb_is_explained():
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    verbs = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    told = re.findall(r"^#   make (\w+)", makefile, re.MULTILINE)
    assert set(verbs) - {"help"} == set(told)
    assert {"demo", "test", "lint", "format", "bench", "docs", "clean"} <= set(verbs)


# Words, decisions, fragments


def glossary() -> dict[str, list[str]]:
    """Return the words never said, by term."""
    rows = re.findall(r"^\| (.+?) \| .+ \| (.+) \|$", prose(DOCS / "glossary.md"), re.MULTILINE)
    return {term: re.findall(r"`(\w+)`", never) for term, never in rows if "`" in never}


def defined_names() -> dict[str, str]:
    """Return every name that the source defines, with a place where it does."""
    names: dict[str, str] = {}
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                name = node.id if isinstance(node, ast.Name) else node.attr
            elif isinstance(node, ast.arg):
                name = node.arg
            else:
                continue
            names.setdefault(name, f"{module}:{node.lineno}")
        names.update({node.name: f"{module}:{node.lineno}" for node in definitions(module)})
        names[module.name.rpartition(".")[2]] = module.name
    return names


def test_the_source_says_what_the_glossary_says():
    never = {word: term for term, listed in glossary().items() for word in listed}
    assert len(never) > 20
    wrong = []
    for name, place in defined_names().items():
        spelled = f"_{'_'.join(words(name))}_"
        wrong += [
            f"{place}: {name}; say {term}, not {word}"
            for word, term in never.items()
            if f"_{'_'.join(words(word))}_" in spelled
        ]
    assert wrong == []


def test_the_glossary_is_in_order_and_names_nothing_twice():
    terms = [term.lower() for term in glossary()]
    assert terms == sorted(set(terms))


def test_decisions_are_numbered_without_gaps_and_listed():
    files = sorted(page.name for page in (DOCS / "adr").glob("[0-9]*.md"))
    assert [name[:5] for name in files] == [f"{n:04}-" for n in range(1, len(files) + 1)]
    listed = re.findall(r"^\| \[(\d{4})\]\((.+?)\)", prose(DOCS / "adr/README.md"), re.MULTILINE)
    assert listed == [(name[:4], name) for name in files]


def test_decisions_have_the_parts_of_the_template():
    parts = ["Context", "Drivers", "Options", "Decision", "Consequences"]
    for page in (DOCS / "adr").glob("[0-9]*.md"):
        assert re.match(rf"# {page.name[:4]} \S.*\n\nStatus: (accepted|superseded)", prose(page))
        headings = re.findall(r"^## (.+)$", prose(page), re.MULTILINE)
        assert [each for each in headings if each not in parts] == [], page.name
        assert {"Context", "Decision", "Consequences"} <= set(headings), page.name


def test_changelog_fragments_are_named_and_say_what_stays_compatible():
    fragments = [page for page in tracked_files() if page.parent.name == "changelog.d"]
    for page in fragments:
        if page.name == "README.md":
            continue
        assert re.fullmatch(rf"\d+(\.[a-z-]+)?\.({'|'.join(FRAGMENT_KINDS)})\.md", page.name)
        last = prose(page).rstrip().rpartition("\n\n")[2].replace("\n", " ")
        said = r"\*\*Compatibility\.\*\* Wire format: .+\. API: .+\. Database: .+\."
        assert re.fullmatch(said, last), page.name
