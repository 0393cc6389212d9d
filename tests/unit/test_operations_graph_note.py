"""State notes and the paths under them."""

from __future__ import annotations

import hashlib

import pytest

from lodestamp.core.encoding import base64_encode
from lodestamp.core.operations import StateNote, StatePath, Status, state_note, state_path
from lodestamp.errors import BadNote, BadTreeProof, CausalError, UsageError
from stories import Story

DIGEST = bytes(range(32))


def test_the_state_digest_is_the_root_over_digest_and_status_ascending():
    story = Story()
    first = story.seen()
    second = story.refuted(first)
    leaves = sorted(op.digest + bytes([status]) for op, status in ((first, 1), (second, 0)))
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    assert story.graph.digest() == hashlib.sha256(b"\1" + b"".join(hashes)).digest()
    assert Story().graph.digest() == hashlib.sha256(b"").digest()


def test_a_state_note_is_four_lines_and_reads_back():
    note = StateNote("example.com/log", 7, DIGEST, 7)
    assert note.text() == f"example.com/log/state\n7\n{base64_encode(DIGEST)}\n7\n"
    assert StateNote.parse(note.text()) == note


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "o/state\n1\nAAAA\n1\n", f"o\n1\n{base64_encode(DIGEST)}\n1\n",
        f"o/state\n01\n{base64_encode(DIGEST)}\n1\n", f"o/state\n1\n{base64_encode(DIGEST)}\n1",
        f"o/state\n1\n{base64_encode(DIGEST)}\n1\n\n", f"o/state\n-1\n{base64_encode(DIGEST)}\n1\n",
        f"/state\n1\n{base64_encode(DIGEST)}\n1\n", f"a b/state\n1\n{base64_encode(DIGEST)}\n1\n",
        f"o/state\n1\n{base64_encode(DIGEST)}\n\u0661\n",
    ],
)  # fmt: skip
def test_any_other_text_is_no_state_note(text):
    with pytest.raises(BadNote) as refusal:
        StateNote.parse(text)
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize("origin", ["", "a b", "a\nb"])
def test_an_origin_is_one_word(origin):
    with pytest.raises(UsageError):
        StateNote(origin, 0, DIGEST, 0).text()


@pytest.mark.parametrize("count", [1, 2, 3, 300])
def test_a_path_shows_one_operations_status(count):
    story = Story()
    ops = [story.seen() for _ in range(count)]
    story.refuted(ops[0])
    graph = story.graph
    note = state_note(graph, "example.com/log")
    assert (note.size, note.leaves) == (count + 1, count + 1)
    path = state_path(graph, ops[0].op_id)
    assert path.status is Status.REFUTED
    path.verify(note)
    lie = StatePath(path.op_digest, Status.VALID, path.proof)
    with pytest.raises(BadTreeProof):
        lie.verify(note)


def test_a_path_of_what_is_not_held_is_refused():
    with pytest.raises(CausalError):
        state_path(Story().graph, "sha256:" + "0" * 64)
