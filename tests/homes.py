"""Homes for tests: made in a temporary folder, audited when a test ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lodestamp
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import Operation, build_op, claim, evidence
from lodestamp.node.fsck import fsck

ALICE = SigningKey.from_seed("ed25519", b"a" * 32)
NOW = 1_790_000_000
"""Unix seconds, in 2026: earlier than any clock these tests run by."""


@contextmanager
def audited_node(home: Path) -> Iterator[lodestamp.Node]:
    """Open a home and, when the test is done with it, hold it against the auditor."""
    with lodestamp.open(home) as node:
        yield node
    assert_clean(home)


def assert_clean(home: Path) -> None:
    """The auditor finds nothing."""
    report = fsck(home)
    assert report.findings == [], report.findings[:5]


def found_codes(home: Path) -> set[str]:
    """The codes of what the auditor finds."""
    return {finding.code for finding in fsck(home).findings}


def reading(number: int) -> dict[str, object]:
    """Arguments of a small evidence."""
    return {"source": "sensor/1", "kind": "reading", "content": {"n": number}}


def foreign_evidence(
    number: int, prev: tuple[str, ...] = (), *, ts: int = NOW, node: str = "alice"
) -> Operation:
    """An evidence that somebody else signed."""
    body = evidence(source="s", kind="k", content={"n": number}, captured_at=ts)
    return build_op(ALICE, node, "evidence", body, prev, ts)


def foreign_claim(sources: tuple[str, ...], prev: tuple[str, ...], *, ts: int = NOW) -> Operation:
    """A claim that somebody else drew from `sources`."""
    body = claim(
        subject="s",
        predicate="p",
        object=True,
        confidence_bp=9_000,
        derived_from=sources,
        deriver="model/1",
        rationale="because",
    )
    return build_op(ALICE, "alice", "claim", body, prev, ts)


def let_everybody_in(folder: Path) -> None:
    """Open a test's folder to other users, down from the temporary folder of all tests."""
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(0o755)


def as_nobody(action: Callable[[], object]) -> str:
    """Run an action in a child that has given its rights away.

    Returns ``done``, or the class and code of the LodestampError that stopped it.
    """
    lodestamp.open  # noqa: B018  imported while we still may
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            action()
            said = "done"
        except lodestamp.LodestampError as error:
            said = f"{type(error).__name__} {error.code}"
        except BaseException as error:  # noqa: BLE001  the parent must hear of it
            said = repr(error)
        os.write(write_end, said.encode())
        os._exit(0)
    os.close(write_end)
    said = os.read(read_end, 4096).decode()
    os.close(read_end)
    os.waitpid(child, 0)
    return said
