"""The manners of this house, as tests: layers, sizes, names, errors, what is tracked.

Most of it reads the source as a syntax tree, so that it also sees imports inside functions. The
layer rule is read from the contracts in pyproject.toml, so that it stands in one place.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lodestamp
from conftest import REPOSITORY
from lodestamp import errors

SOURCE = REPOSITORY / "src"
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {each["name"]: each for each in PYPROJECT["tool"]["importlinter"]["contracts"]}

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PUBLIC_NAMES_MAX = 10
LONG_MODULES = frozenset({"lodestamp.errors"})
"""The tree of errors stands in one place; any other longer module holds a second concept."""

BANNED_WORDS = frozenset(
    "manager helper helpers util utils processor handler data info".split()  # noqa: SIM905
)
"""A name of these has not found its concept yet."""

FOREIGN_NAMES = frozenset(
    {"verify_data_integrity", "DataFlowStage", "DataFlowPacket", "DataFlowOrchestrator"}
    | {"OPCATDataFlowProcessor"}
    | {"data_received"}  # asyncio.Protocol
)
"""Names that a standard or a field gives to the thing, such as W3C's Data Integrity."""

WINGS = ("core", "node", "faces")
"""From pure to impure; a wing imports itself and those before it."""

CORE_PACKAGES = frozenset(
    {"blake3", "cbrrr", "coincurve", "cryptography", "msgspec", "nacl", "orjson", "rfc8785"}
)
"""Codecs and cryptographic primitives: all that core takes from outside the standard library."""
CORE_STDLIB_PRIVATE = frozenset({"_sha2", "_sha256"})
CORE_CALLS_BANNED = frozenset({"open", "print", "input", "eval", "exec", "__import__"})
CORE_RAISES = frozenset({"AssertionError", "KeyError", "TypeError", "StopIteration"})
"""What core may raise beside the error tree: broken promises of our own code, and protocols."""


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, path, text and syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def wing(self) -> str | None:
        """core, node or faces; None for what lies beside the wings."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 and parts[1] in WINGS else None

    @property
    def room(self) -> str | None:
        """The room inside the wing; None for the wing's own door."""
        parts = self.name.split(".")
        return parts[2] if self.wing and len(parts) > 2 else None

    def __repr__(self) -> str:
        return self.name


def _read(path: Path) -> Module:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    text = path.read_text("utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, text, ast.parse(text))


MODULES = [_read(path) for path in sorted(SOURCE.rglob("*.py"))]
NAMES = frozenset(module.name for module in MODULES)
DOORS = frozenset(each.name for each in MODULES if each.path.name == "__init__.py")
CORE = [module for module in MODULES if module.wing == "core"]


def tracked_files() -> list[Path]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("this copy of the source is no git checkout")
    paths = (REPOSITORY / name.decode() for name in found.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file()]


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import, wherever in the module it stands.

    ``from a import b`` gives ``a.b`` when that is a module of ours, else ``a``.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node.lineno, inner if inner in NAMES else node.module


def definitions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield every function and class of the module, nested ones too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return (node for node in ast.walk(module.tree) if isinstance(node, kinds))


def words(name: str) -> list[str]:
    """Split snake_case and CamelCase into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


# Layers


def test_wings_import_only_themselves_and_purer_ones():
    upward = []
    for module in MODULES:
        for line, target in imports(module):
            wing = target.split(".")[1] if target.startswith("lodestamp.") else None
            if module.wing and wing in WINGS and WINGS.index(wing) > WINGS.index(module.wing):
                upward.append(f"{module}:{line} imports {target}")
    assert upward == []


def test_errors_and_version_import_nothing_of_ours():
    for module in MODULES:
        if module.name in {"lodestamp.errors", "lodestamp.version"}:
            assert [name for _, name in imports(module) if name.startswith("lodestamp")] == []


def core_floors() -> dict[str, int]:
    """Floor of each room of core, from the ground up, as the contract in pyproject states it."""
    layers = CONTRACTS["core: rooms import lower floors only, never each other"]["layers"]
    floors = enumerate(reversed(layers), start=1)
    return {room.strip(): floor for floor, rooms in floors for room in rooms.split("|")}


def test_every_room_of_core_has_a_floor():
    assert {module.room for module in CORE if module.room} <= core_floors().keys()


def test_rooms_of_core_import_lower_floors_only():
    floors, wrong = core_floors(), []
    for module in CORE:
        for line, target in imports(module):
            if not target.startswith("lodestamp.core."):
                continue
            room = target.split(".")[2]
            if room != module.room and floors[room] >= floors.get(module.room or "", 99):
                wrong.append(f"{module}:{line} imports {target}")
    assert wrong == []


def exported(door: str) -> set[str]:
    """Return what a room's door lists in `__all__`; a module may be among it."""
    tree = next(each.tree for each in MODULES if each.name == door)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def through_doors(module: Module) -> set[tuple[int, str]]:
    """Return the imports of modules that a door hands out under their own name."""
    return {
        (node.lineno, f"{node.module}.{alias.name}")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in DOORS
        for alias in node.names
        if alias.name in exported(node.module)
    }


def test_a_room_is_entered_by_its_door():
    """From outside a room only its package is imported, and of its modules what that exports."""
    wrong = []
    for module in MODULES:
        allowed = through_doors(module)
        for line, target in imports(module):
            parts = target.split(".")
            inside = len(parts) > 3 and ".".join(parts[:3]) in DOORS and target in NAMES
            entered = module.name.startswith(".".join(parts[:3])) or (line, target) in allowed
            if inside and not entered:
                wrong.append(f"{module}:{line} imports {target}")
    assert wrong == []


def test_core_imports_codecs_and_primitives_only():
    contract = CONTRACTS["core touches no clock, disk, socket, environment or randomness"]
    banned = set(contract["forbidden_modules"])
    allowed = (
        sys.stdlib_module_names | CORE_STDLIB_PRIVATE | CORE_PACKAGES | {"lodestamp"}
    ) - banned
    wrong = [
        f"{module}:{line} imports {target}"
        for module in CORE
        for line, target in imports(module)
        if target.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_core_calls_nothing_that_touches_the_world():
    wrong = [
        f"{module}:{node.lineno} calls {node.func.id}"
        for module in CORE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in CORE_CALLS_BANNED
    ]
    assert wrong == []


# Shape and names


def test_modules_are_short():
    lengths = {module.name: module.text.count("\n") for module in MODULES}
    long = {name: lines for name, lines in lengths.items() if lines > MODULE_LINES_MAX}
    assert long.keys() == LONG_MODULES, long


def test_functions_fit_a_screen():
    long = [
        f"{module}:{node.lineno} {node.name} has {lines} lines"
        for module in MODULES
        for node in definitions(module)
        if not isinstance(node, ast.ClassDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_names_have_found_their_concept():
    named = [(module.name, part) for module in MODULES for part in module.name.split(".")]
    named += [
        (f"{each}:{node.lineno}", node.name) for each in MODULES for node in definitions(each)
    ]
    ours = [(at, name) for at, name in named if name not in FOREIGN_NAMES]
    assert [(at, name) for at, name in ours if not BANNED_WORDS.isdisjoint(words(name))] == []


def test_words_are_cut_as_a_reader_would():
    assert words("HTTPNoteSigner_v2") == ["http", "note", "signer", "v", "2"]
    assert words("_parse_dataset") == ["parse", "dataset"]


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_every_module_says_what_it_is(module):
    docstring = ast.get_docstring(module.tree)
    assert docstring
    assert docstring.splitlines()[0].strip()


def test_the_public_face_is_small():
    public = getattr(lodestamp, "__all__", [])
    assert len(public) <= PUBLIC_NAMES_MAX
    assert [name for name in public if not hasattr(lodestamp, name)] == []


# Errors


def drawn_tree() -> list[tuple[str, str]]:
    """Return (class, parent) of every line of the tree that the docstring of errors.py draws."""
    drawn: list[tuple[str, str]] = []
    path = ["Exception"]
    for line in inspect.getdoc(errors).splitlines():
        found = re.fullmatch(r"    ((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+) {2,}\S.*", line)
        if found:
            depth = len(found[1]) // 4 + 1
            path[depth:] = [found[2]]
            drawn.append((found[2], path[depth - 1]))
    return drawn


def error_classes() -> dict[str, type[Exception]]:
    """Return the classes that errors.py itself defines, by name."""
    defined = inspect.getmembers(errors, inspect.isclass)
    return {name: each for name, each in defined if each.__module__ == errors.__name__}


def test_the_drawn_error_tree_is_the_real_one():
    real = [(name, each.__bases__[0].__name__) for name, each in error_classes().items()]
    assert len(real) > 1
    assert sorted(drawn_tree()) == sorted(real)


def test_a_second_base_is_never_one_of_ours():
    ours = error_classes()
    twice = {
        name
        for name, each in ours.items()
        if {b.__name__ for b in each.__bases__[1:]} & ours.keys()
    }
    assert twice == set()


def test_errors_are_defined_in_one_place_and_once():
    ours = error_classes()
    places = Counter(
        node.name
        for module in MODULES
        for node in definitions(module)
        if isinstance(node, ast.ClassDef)
        if node.name in ours
        or {ast.unparse(base).split(".")[-1] for base in node.bases} & ours.keys()
    )
    assert places == Counter(ours.keys())


def _may_raise(module: Module) -> set[str]:
    """Names a raise statement of this module may start with: errors, and what returns or is one."""
    allowed = (error_classes().keys() - {"LodestampError"}) | CORE_RAISES
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.returns:
            if ast.unparse(node.returns).split(".")[-1] in allowed:
                allowed.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            allowed.add(node.name)
    return allowed


def test_core_raises_only_the_errors_of_the_tree():
    wrong = []
    for module in CORE:
        allowed = _may_raise(module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Raise) and node.exc:
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if ast.unparse(raised).split(".")[-1] not in allowed:
                    wrong.append(f"{module}:{node.lineno} raises {ast.unparse(raised)}")
    assert wrong == []


# What is tracked

# Each pattern is joined from halves, so that this file does not hold what it looks for.
INDEX_HOSTS = [
    "py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "crates" + ".io",
    "proxy.go" + "lang.org", "deb." + "debian.org", "ana" + "conda.org",
]  # fmt: skip
MACHINE_PATHS = ["ho" + "me/", "ro" + "ot/", "Use" + "rs/", "wo" + "rk/"]


def test_no_file_names_a_package_index_or_a_machine():
    hosts = "|".join(map(re.escape, INDEX_HOSTS))
    paths = "|".join(MACHINE_PATHS)
    pattern = re.compile(rf"{hosts}|(?<![\w.~>)}}\]-])/(?:{paths})\w".encode())
    found = [
        f"{path.relative_to(REPOSITORY)}: {match[0].decode()}"
        for path in tracked_files()
        if (match := pattern.search(path.read_bytes()))
    ]
    assert found == []


def test_no_lock_file_is_tracked():
    names = {path.name for path in tracked_files()}
    assert {name for name in names if name == "uv.lock" or name.startswith("pylock.")} == set()


def constraints() -> dict[str, str]:
    """Return the pinned version of each package, by normalised name."""
    pins: dict[str, str] = {}
    for line in (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.]*)", line)
            assert found, f"not name==version: {line}"
            name = canonicalize_name(found[1])
            assert name not in pins, f"pinned twice: {line}"
            pins[name] = found[2]
    return pins


def test_constraints_pin_every_dependency_within_its_range():
    project = PYPROJECT["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    named += PYPROJECT["build-system"]["requires"]
    pins, wrong = constraints(), []
    for requirement in map(Requirement, named):
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None or not requirement.specifier.contains(pin):
            wrong.append(f"{requirement} is pinned to {pin}")
    assert wrong == []


# Tests


def mirrored_names() -> set[str]:
    """Return what a unit test file may be called after: a module, by its path below the wing."""
    parts = (module.name.split(".")[1:] for module in MODULES)
    return {"_".join(each[1:] if each[0] in WINGS else each) for each in parts if each}


def test_unit_tests_mirror_the_source():
    files = (REPOSITORY / "tests" / "unit").glob("**/test_*.py")
    assert {file.stem.removeprefix("test_") for file in files} <= mirrored_names()


def test_no_two_test_files_share_a_name():
    files = Counter(file.name for file in (REPOSITORY / "tests").rglob("test_*.py"))
    assert {name for name, count in files.items() if count > 1} == set()
