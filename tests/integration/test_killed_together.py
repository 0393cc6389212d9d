"""kill -9 of recorder, calendar, anchorer and witness at work in one home (R20, R24, R29, R49).

Each has a test of kills of its own, too: `test_kills`, `test_crashes`, `test_calendar_kills`,
`test_anchors_crashes` and `test_witness_crashes`.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import traceback
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

import lodestamp
from homes import assert_clean, reading
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import Frontier, leaf_hash, prove_consistency, root_at
from lodestamp.core.timestamps import parse_timestamp, walk
from lodestamp.core.transparency import (
    AddCheckpoint,
    Checkpoint,
    NoteSigner,
    encode_add_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_note,
)

KILLS = 50
AUDITED_EACH = 10
WITNESSED = NoteSigner("log.example/w", SigningKey.from_seed("ed25519", b"\x01" * 32))
URI = "https://calendar.example"
Tell = Callable[..., None]


@dataclass
class Told:
    """What was acknowledged before the kills."""

    operations: dict[int, str] = field(default_factory=dict)
    notes: dict[int, bytes] = field(default_factory=dict)
    commitments: set[bytes] = field(default_factory=set)
    cosigned: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def take(self, line: str) -> None:
        """Note one acknowledgement; what contradicts an earlier one fails."""
        kind, first, *rest = line.split()
        self.count += 1
        if kind == "operation":
            assert self.operations.setdefault(int(first), rest[0]) == rest[0]
        elif kind == "note":  # no two notes of one size ever leave (R20)
            note = b64decode(rest[0])
            assert self.notes.setdefault(int(first), note) == note
        elif kind == "commitment":
            self.commitments.add(bytes.fromhex(first))
        else:
            assert kind == "cosigned"
            assert self.cosigned.setdefault(int(first), int(rest[0])) == int(rest[0])


class Tree:
    """The log that is witnessed: at each size it wants to grow by one of two leaves."""

    def __init__(self, chosen: list[int]) -> None:
        self.chosen = chosen
        self.leaves = [leaf_hash(b"%d %d" % pair) for pair in enumerate(chosen)]
        self.levels = Frontier.EMPTY.grow(self.leaves)[1]

    def hashes(self, level: int, start: int, count: int) -> bytes:
        return self.levels[level][32 * start : 32 * (start + count)]

    def root(self) -> bytes:
        return root_at(self, len(self.leaves))

    def request(self) -> bytes:
        size = len(self.leaves)
        text = Checkpoint(WITNESSED.name, size, self.root()).text()
        proof = prove_consistency(self, size - 1, size).hashes if size > 1 else ()
        return encode_add_checkpoint(
            AddCheckpoint(size - 1, proof, parse_note(sign_note(text, [WITNESSED])))
        )


@pytest.mark.slow
def test_kill_nine_at_fifty_instants_of_all_four_loses_nothing_acknowledged(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    chance, told, home = random.Random(seed), Told(), tmp_path / "home"
    with lodestamp.open(home) as node, node.anchors() as anchors:
        node.public.witness.add_log(WITNESSED.name, WITNESSED.verifier_key)
        node.record(source="s", kind="k", content={})  # an empty log has nothing to anchor
        anchors.anchorer.poll()
    for kill in range(KILLS):
        _work_until_killed(home, told, kill * 1_000_000, chance.uniform(0.0, 0.35))
        if kill % AUDITED_EACH == AUDITED_EACH - 1:
            assert_clean(home)
    assert {len(each) > KILLS for each in (told.operations, told.notes)} == {True}, f"seed {seed}"
    assert min(len(told.commitments), len(told.cosigned)) > KILLS, f"seed {seed}"
    _assert_all_there(home, told)
    assert_clean(home)


def _assert_all_there(home: Path, told: Told) -> None:
    with lodestamp.open(home) as node:
        for index, op_id in told.operations.items():
            assert node.inclusion(op_id)[0].index == index
        for size, note in told.notes.items():
            assert node.checkpoint(size) == note
        assert all(node.calendars.journal.holds(each) for each in told.commitments)
        kept = _kept(node)
        chosen = [told.cosigned[size] for size in range(1, max(told.cosigned) + 1)]
        assert kept is not None
        assert kept.size >= len(chosen)
        if kept.size == len(chosen):
            assert kept.root == Tree(chosen).root()


def _kept(node: lodestamp.Node) -> Checkpoint | None:
    note = node.public.witness.checkpoint(sha256(WITNESSED.name.encode()).hexdigest())
    return None if note is None else parse_checkpoint(parse_note(note).text)


def _work_until_killed(home: Path, told: Told, start: int, delay: float) -> None:
    """Let a child work for so many seconds, end it, and note what it acknowledged."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            _work_for_ever(home, told, start, write_end)
        except BaseException:  # noqa: BLE001  told on standard error, and by the exit code
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as lines:
        assert lines.readline() == "ready\n"
        killer = threading.Timer(delay, os.kill, (child, signal.SIGKILL))
        killer.start()
        said = lines.readlines()
    _child, status = os.waitpid(child, 0)
    killer.cancel()
    assert os.WIFSIGNALED(status), "a worker failed; see its trace"
    for line in said:
        if line.endswith("\n"):
            told.take(line)


def _work_for_ever(home: Path, told: Told, start: int, pipe: int) -> None:
    def tell(*words: object) -> None:
        os.write(pipe, (" ".join(map(str, words)) + "\n").encode())

    def keep(work: Callable[..., None], *given: object) -> None:
        try:
            work(node, tell, *given)
        except BaseException:  # noqa: BLE001  as above
            traceback.print_exc()
            os._exit(1)

    with lodestamp.open(home) as node:
        os.write(pipe, b"ready\n")
        works = [(_record, start), (_promise, start), (_anchor,), (_cosign, told.cosigned)]
        threads = [threading.Thread(target=keep, args=each) for each in works]
        for each in threads:
            each.start()
        for each in threads:
            each.join()


def _record(node: lodestamp.Node, tell: Tell, start: int) -> None:
    for number in range(start, start + 1_000_000):
        recorded = node.record(**reading(number))
        tell("operation", recorded.log_index, recorded.op_id)
        note = node.checkpoint()
        tell("note", parse_checkpoint(parse_note(note).text).size, b64encode(note).decode())


def _promise(node: lodestamp.Node, tell: Tell, start: int) -> None:
    with node.open_calendar(URI, period_s=0.2) as calendar:
        for number in range(start, start + 1_000_000):
            digests = [(number * 3 + part).to_bytes(32, "big") for part in range(3)]
            futures = [calendar.submit(each) for each in digests]
            for digest, future in zip(digests, futures, strict=True):
                ((message, _),) = walk(parse_timestamp(future.result(), digest, strict=True))
                tell("commitment", message.hex())


def _anchor(node: lodestamp.Node, tell: Tell) -> None:
    with node.anchors() as anchors:
        while True:
            size, digest = node.anchor_newest(anchors)
            tell("commitment", digest.hex())
            anchors.anchorer.poll(is_forced=True)
            anchors.mine()
            anchors.anchorer.poll()
            if size % 7 == 0:
                anchors.source.simulator.reorg(2)  # type: ignore[attr-defined]
                anchors.anchorer.poll()


def _cosign(node: lodestamp.Node, tell: Tell, cosigned: dict[int, int]) -> None:
    """Show two trees of each size; exactly one is cosigned, and it is never forgotten."""
    witness = node.public.witness
    chosen = [cosigned[size] for size in range(1, max(cosigned, default=0) + 1)]
    kept = _kept(node)
    if kept is not None and kept.size > len(chosen):  # stored, and killed before it was told
        (choice,) = (each for each in (0, 1) if Tree([*chosen, each]).root() == kept.root)
        chosen.append(choice)
        tell("cosigned", len(chosen), choice)
    assert (kept.size if kept else 0) == len(chosen), "the witness forgot what it cosigned"
    while True:
        both = [Tree([*chosen, each]) for each in (0, 1)]
        if len(chosen) % 2:
            both.reverse()
        said = [witness.add_checkpoint(each.request()).status for each in both]
        assert said[0] == 200
        assert said[1] != 200
        chosen = both[0].chosen
        tell("cosigned", len(chosen), chosen[-1])
