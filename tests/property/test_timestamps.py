"""Timestamps against python-opentimestamps, which shares no code with them, and their own laws."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ots_files
from lodestamp.core.timestamps import (
    HEXLIFY,
    KECCAK256,
    REVERSE,
    RIPEMD160,
    SHA1,
    SHA256,
    BitcoinHeader,
    Detached,
    EthereumHeader,
    LitecoinHeader,
    Op,
    Pending,
    Timestamp,
    Unknown,
    encode_detached,
    encode_timestamp,
    lead_to,
    merge,
    parse_detached,
    parse_timestamp,
    prune,
    replay,
    replay_timestamp,
    walk,
)
from lodestamp.errors import BadTimestamp, InputError, LimitExceeded

FILES = 1_200
MUTANTS_EACH = 2


def own_parse(source):
    try:
        return parse_detached(source)
    except InputError as refused:
        return refused


@pytest.fixture(scope="module")
def sources():
    random = Random("timestamps")
    found = []
    for _ in range(FILES):
        source = ots_files.file(random)
        found += [source, *(ots_files.mutated(random, source) for _ in range(MUTANTS_EACH))]
    assert len(found) >= 2_000
    return found


def test_what_the_stock_parser_takes_is_taken_and_nothing_else(sources):
    """R39, lenient: but for numbers of 2^64 or more, or over ten bytes, which R38 refuses."""
    counted = Counter()
    for source in sources:
        stock, own = ots_files.stock_parse(source), own_parse(source)
        taken = isinstance(own, Detached)
        if taken == (stock is not None):
            counted[taken] += 1
        else:
            assert isinstance(own, LimitExceeded), (source.hex(), own)
            assert own.limit in {"a number", "the bytes of a number"}, (source.hex(), own)
            counted["number"] += 1
    assert counted[True] > 1_000
    assert counted[False] > 1_000
    assert counted["number"] < 100


@pytest.mark.parametrize(("depth", "taken"), [(255, True), (256, False), (400, False)])
def test_the_stock_parser_goes_as_deep_and_no_deeper(depth, taken):
    """R38."""
    end = b"\x00" + BitcoinHeader.tag + b"\x01\x07"
    source = ots_files.MAGIC + b"\x01\x08" + bytes(32) + b"\x08" * depth + end
    assert (ots_files.stock_parse(source) is not None) == taken
    assert isinstance(own_parse(source), Detached) == taken


def test_it_is_written_back_as_the_stock_writer_does(sources):
    """R37: but where an operation stood twice, since stock keeps only the last of them."""
    compared = forgotten = 0
    for source in sources:
        own = own_parse(source)
        if not isinstance(own, Detached):
            continue
        if ots_files.stock_forgets(source):
            forgotten += 1
        else:
            compared += 1
            assert encode_detached(own) == ots_files.stock_encode(ots_files.stock_parse(source))
    assert compared > 1_000
    assert forgotten > 100


def test_running_takes_what_reading_takes_and_finds_the_same(sources):
    for source in sources:
        own = own_parse(source)
        if isinstance(own, Detached):
            held = list(walk(own.timestamp))
            assert {each[:2] for each in replay(source)} == {(msg, each.tag) for msg, each in held}
            assert replay(encode_detached(own)) == tuple(
                (msg, each.tag, each.payload) for msg, each in held
            )
        else:
            with pytest.raises(InputError):
                replay(source)


def test_strict_mode_takes_exactly_what_would_be_written(sources):
    """R39, strict: one byte string per value."""
    taken = 0
    for source in sources:
        own = own_parse(source)
        if not isinstance(own, Detached):
            with pytest.raises(type(own)):
                parse_detached(source, strict=True)
        elif encode_detached(own) == source:
            taken += 1
            assert parse_detached(source, strict=True) == own
        else:
            with pytest.raises(BadTimestamp) as refused:
                parse_detached(source, strict=True)
            assert refused.value.code == "ots.not-canonical"
            assert parse_detached(encode_detached(own), strict=True) == own
    assert taken > 200


OPS = st.one_of(
    st.sampled_from((SHA256, SHA1, RIPEMD160, KECCAK256, REVERSE, HEXLIFY)),
    st.binary(min_size=1, max_size=40).map(Op.append),
    st.binary(min_size=1, max_size=40).map(Op.prepend),
)
HEIGHTS = st.integers(0, 2**64 - 1)
ATTESTATIONS = st.one_of(
    st.text("abcXYZ019-._/:", max_size=40).map(Pending),
    HEIGHTS.map(BitcoinHeader),
    HEIGHTS.map(LitecoinHeader),
    HEIGHTS.map(EthereumHeader),
    st.builds(Unknown, st.binary(min_size=8, max_size=8), st.binary(max_size=40)),
)
SHAPES = st.recursive(
    st.tuples(st.lists(ATTESTATIONS, min_size=1, max_size=3, unique=True), st.just({})),
    lambda below: st.tuples(
        st.lists(ATTESTATIONS, max_size=2, unique=True),
        st.dictionaries(OPS, below, min_size=1, max_size=3),
    ),
    max_leaves=12,
)
MESSAGES = st.binary(min_size=1, max_size=64)


def grown(msg, shape):
    attestations, below = shape
    edges = tuple((op, grown(op(msg), inner)) for op, inner in below.items())
    return Timestamp(msg, tuple(attestations), edges)


TIMESTAMPS = st.builds(grown, MESSAGES, SHAPES)


@given(TIMESTAMPS)
def test_a_timestamp_is_what_its_bytes_say(timestamp):
    encoded = encode_timestamp(timestamp)
    assert parse_timestamp(encoded, timestamp.msg, strict=True) == timestamp
    assert replay_timestamp(encoded, timestamp.msg) == tuple(
        (msg, each.tag, each.payload) for msg, each in walk(timestamp)
    )


@given(MESSAGES, st.tuples(SHAPES, SHAPES, SHAPES))
def test_merging_is_the_union_in_whatever_order(msg, shapes):
    one, two, three = (grown(msg, shape) for shape in shapes)
    assert merge(one, one) == one
    assert merge(one, two) == merge(two, one)
    assert merge(merge(one, two), three) == merge(one, merge(two, three))
    assert set(walk(merge(one, two))) == set(walk(one)) | set(walk(two))


@given(MESSAGES, SHAPES, SHAPES)
def test_an_operation_that_stands_twice_in_a_file_is_merged(msg, first, second):
    """R39, and unlike the stock parser, which forgets what stood behind the first."""
    one, two = grown(SHA256(msg), first), grown(SHA256(msg), second)
    source = b"\xff\x08" + encode_timestamp(one) + b"\x08" + encode_timestamp(two)
    assert parse_timestamp(source, msg) == lead_to(msg, [SHA256], merge(one, two))


@given(TIMESTAMPS, st.randoms(use_true_random=False))
def test_pruning_keeps_exactly_what_was_to_be_kept(timestamp, random):
    found = list(walk(timestamp))
    kept = {each for each in found if random.random() < 0.5}
    pruned = prune(timestamp, lambda msg, each: (msg, each) in kept)
    assert set(walk(pruned) if pruned else ()) == kept
    if pruned:
        assert merge(timestamp, pruned) == timestamp


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_an_input_error(noise):
    for source in (noise, ots_files.MAGIC + b"\x01\x08" + bytes(32) + noise):
        for read in (parse_detached, replay):
            try:
                read(source)
            except InputError:
                continue
