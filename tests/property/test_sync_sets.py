"""Reconciliation over random sets, and any bytes at all."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.keys import SigningKey
from lodestamp.errors import AccessError, LodestampError, PeerError, SnapshotGoneError
from lodestamp.node.sync import (
    Asked,
    Encoder,
    HeadsAnswer,
    HeadsAsked,
    Negentropy,
    Reconciler,
    encode_frame,
    parse_frame,
    parse_request,
    sign_request,
)
from lodestamp.node.sync.messages import End

KEY = bytes(range(16))


def digests(name: str, count: int) -> list[bytes]:
    return [sha256(f"{name} {n}".encode()).digest() for n in range(count)]


def encoder(*groups: list[bytes], key: bytes = KEY) -> Encoder:
    made = Encoder(key)
    for group in groups:
        made.add(group)
    return made


def reconcile(mine: Encoder, peer: Encoder) -> Reconciler:
    compared = Reconciler(mine, key=peer.key, size=peer.size)
    while (ask := compared.wanted) is not None:
        compared.feed(peer.frame(ask.first, ask.count, ask.size))
    return compared


@given(st.integers(0, 300), st.integers(0, 60), st.integers(0, 60), st.binary(min_size=1))
@settings(max_examples=60)
def test_any_difference_is_found_or_given_up_for_the_list(common, ours, theirs, seed):
    """Y3: what is found is exact; a small set may be cheaper to list."""
    shared, a, b = digests("c", common), digests(f"a{seed!r}", ours), digests(f"b{seed!r}", theirs)
    compared = reconcile(encoder(shared, a), encoder(shared, b))
    assert compared.complete or compared.exhausted
    if compared.complete:
        assert (compared.ours, compared.theirs) == (set(a), set(b))
    assert compared.bytes_fed <= 32 * (common + theirs) + 36 + 64 * 49


@given(st.integers(100, 400))
@settings(max_examples=10)
def test_a_difference_costs_about_twice_its_ids_in_a_large_set(count):
    """T6, in a set of 20,000: the bytes of symbols against 32 a difference, with a margin."""
    shared = digests("c", 20_000)
    compared = reconcile(
        encoder(shared, digests("a", count // 2)), encoder(shared, digests("b", count - count // 2))
    )
    assert compared.complete
    assert compared.bytes_fed <= 2.4 * 32 * count


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 100))
def test_symbols_do_not_depend_on_how_the_set_grew(steps, count):
    """Y4: an operation that comes later is added to what was produced."""
    every = digests("x", sum(steps))
    grown, at = Encoder(KEY), 0
    for step in steps:
        grown.symbols(0, count)
        grown.add(every[at : at + step])
        at += step
    whole = encoder(every)
    assert grown.symbols(0, count) == whole.symbols(0, count)
    older = encoder(every[: steps[0]])
    assert grown.symbols(3, count, steps[0]) == older.symbols(3, count)


@given(st.integers(0, 80), st.integers(0, 50), st.integers(1, 60))
def test_a_frame_reads_as_it_was_written(size, first, count):
    data = encoder(digests("x", size)).frame(first, count)
    assert encode_frame(parse_frame(data)) == data


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reconciler_raise_anything_else(data):
    compared = Reconciler(encoder(digests("x", 5)), key=KEY, size=9)
    for each in (data, b"LSR1" + KEY + (9).to_bytes(8, "big") + bytes(7) + b"\x40" + data):
        with pytest.raises((PeerError, SnapshotGoneError)):
            compared.feed(each)


@given(st.lists(st.tuples(st.integers(0, 2**320 - 1), st.integers(0, 9)), min_size=64, max_size=64))
@settings(max_examples=30)
def test_invented_symbols_end_in_an_answer_or_an_error(symbols):
    """Symbol 0 never becomes zero; what is fed is bounded."""
    from lodestamp.node.sync import Frame

    compared = Reconciler(encoder(digests("x", 5)), key=KEY, size=9)
    fed = 0
    try:
        while (ask := compared.wanted) is not None:
            some = tuple(symbols[: ask.count])
            compared.feed(encode_frame(Frame(KEY, 9, ask.first, some)))
            fed += 1
            assert fed < 100
    except LodestampError:
        return
    assert compared.exhausted or compared.complete


def test_a_peer_that_knows_the_key_cannot_make_one_item_be_decoded_twice():
    """Symbols made so that peeling would go round in a circle are an error, not a loop."""
    from lodestamp.node.sync import Frame
    from lodestamp.node.sync.symbols import item_of, walk

    item = item_of(digests("x", 1)[0], KEY)
    inside = set(walk(item, 64))
    symbols = [(0, 0) if at in inside else (item, 1) for at in range(64)]
    compared = Reconciler(encoder(), key=KEY, size=9)
    with pytest.raises(PeerError) as caught:
        compared.feed(encode_frame(Frame(KEY, 9, 0, tuple(symbols))))
    assert caught.value.code == "bad-symbols"


def test_ids_ground_against_one_key_are_scattered_under_the_next():
    """Operations that all stay out of the same symbols under a known key: a new key undoes it."""
    from lodestamp.node.sync.symbols import item_of, walk

    ground = [
        each
        for each in digests("g", 20_000)
        if not any(1 <= index < 12 for index in walk(item_of(each, KEY), 12))
    ][:60]
    assert len(ground) == 60
    renewed = bytes(16)
    shared = digests("c", 2_000)
    compared = reconcile(encoder(shared, key=renewed), encoder(shared, ground, key=renewed))
    assert compared.complete
    assert compared.theirs == set(ground)
    assert compared.bytes_fed <= 4 * 32 * 60
    slower = reconcile(encoder(shared), encoder(shared, ground))
    assert slower.complete or slower.exhausted


times = st.integers(0, 50)
items = st.dictionaries(st.binary(min_size=32, max_size=32), times, max_size=120)


@given(items, items, items, st.sampled_from([0, 4096]))
@settings(max_examples=40)
def test_negentropy_finds_every_difference(common, ours, theirs, limit):
    """Y6, both sides ours."""
    a = {(time, each) for each, time in {**ours, **common}.items()}
    b = {(time, each) for each, time in {**theirs, **common}.items()}
    client, server = Negentropy(a, frame_size_max=limit), Negentropy(b, frame_size_max=limit)
    said: bytes | None = client.initiate()
    while said is not None:
        answer = server.reconcile(said)
        assert answer is not None
        said = client.reconcile(answer)
    ids_a, ids_b = {each for _, each in a}, {each for _, each in b}
    assert set(client.have) >= ids_a - ids_b
    assert set(client.need) >= ids_b - ids_a


@given(st.binary(max_size=400))
def test_no_bytes_make_negentropy_raise_anything_else(data):
    for message in (data, b"\x61" + data):
        side = Negentropy([(n, each) for n, each in enumerate(digests("n", 40))])
        with suppress(PeerError):
            side.reconcile(message)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_message_raise_anything_else(data):
    for parse in (HeadsAsked.parse, HeadsAnswer.parse, End.parse):
        with pytest.raises(LodestampError):
            parse(data)


@given(st.text(max_size=200))
def test_no_header_is_taken_for_a_signed_request(text):
    for header in (text, f"Lodestamp {text}"):
        with pytest.raises(AccessError) as caught:
            parse_request(header)
        assert caught.value.code == "bad-request-signature"


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_signed_request_can_be_flipped(place, bit):
    key = SigningKey.from_seed("ed25519", bytes(32))
    asked = Asked("GET", "h:1", "/v1/ops", "sha256:" + "0" * 64)
    header = sign_request(key, asked, ts=1, nonce=bytes(16))
    assert parse_request(header).asked == asked
    octets = bytearray(header.encode())
    octets[place % len(octets)] ^= 1 << bit
    with pytest.raises(AccessError):
        parse_request(octets.decode("latin-1"))
