"""The shared vectors of reconciliation: one pair of symbol frames, four negentropy transcripts."""

from __future__ import annotations

import pytest

from conftest import load_json
from lodestamp.node.sync import Encoder, Negentropy, Reconciler, parse_frame

TRANSCRIPTS = ("empty_client", "n1000_frame4096", "n1000_spread", "n40")


def encoder(case, side):
    made = Encoder(bytes.fromhex(case["key"]))
    from hashlib import sha256

    first = 0 if side == "a" else 6
    made.add(sha256(b"id %d" % n).digest() for n in range(first, first + 100))
    return made


def test_symbol_frames_are_byte_equal(vectors):
    """Y2: the first 40 symbols of each set."""
    case = load_json(vectors / "operations/lodestamp/riblt.json")
    for side in "ab":
        made = encoder(case, side)
        assert made.frame(0, 40).hex() == case[f"frame_{side}_40"]
        frame = parse_frame(bytes.fromhex(case[f"frame_{side}_40"]))
        assert (frame.size, frame.first, len(frame.symbols)) == (100, 0, 40)


def test_the_difference_of_the_pair_is_found(vectors):
    """Y3: six operations on each side."""
    case = load_json(vectors / "operations/lodestamp/riblt.json")
    peer = encoder(case, "b")
    compared = Reconciler(encoder(case, "a"), key=peer.key, size=peer.size)
    while (ask := compared.wanted) is not None:
        compared.feed(peer.frame(ask.first, ask.count))
    assert compared.complete
    assert sorted(each.hex() for each in compared.ours) == sorted(case["only_a"])
    assert sorted(each.hex() for each in compared.theirs) == sorted(case["only_b"])
    assert (len(case["only_a"]), len(case["only_b"])) == (6, 6)


def test_there_are_four_transcripts(vectors):
    names = {path.stem for path in (vectors / "operations/negentropy").glob("*.json")}
    assert names == set(TRANSCRIPTS)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_both_sides_of_a_transcript_are_byte_equal(vectors, name):
    """Y6: every message, and what the client learns."""
    case = load_json(vectors / f"operations/negentropy/{name}.json")
    limit = case["frame_size_limit"]
    client, server = (
        Negentropy(((time, bytes.fromhex(each)) for time, each in case[side]), frame_size_max=limit)
        for side in ("client", "server")
    )
    said = client.initiate()
    for message in case["transcript"]:
        assert said is not None
        assert said.hex() == message["hex"]
        assert not limit or len(said) <= limit
        said = (server if message["dir"] == "c2s" else client).reconcile(said)
    assert said is None
    assert (len(client.have), len(client.need)) == (case["have_count"], case["need_count"])
    ours, theirs = (
        {bytes.fromhex(each) for _, each in case[side]} for side in ("client", "server")
    )
    assert (set(client.have), set(client.need)) == (ours - theirs, theirs - ours)
