"""The tree against a naive one that follows the recursive words of RFC 9162 §2.1."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from lodestamp.core.merkle import (
    EMPTY_ROOT,
    ConsistencyProof,
    Frontier,
    InclusionProof,
    TileRef,
    decode_bundle,
    encode_bundle,
    leaf_hash,
    leaf_hashes,
    parse_tile_path,
    prove_consistency,
    prove_inclusion,
    root,
    root_at,
    root_from,
    tiles_for,
    verify_consistency,
    verify_inclusion,
)
from lodestamp.errors import BadEntry, BadTilePath, BadTreeProof, LodestampError

LEAVES = [sha256(b"\x00" + i.to_bytes(4, "big")).digest() for i in range(70_000)]


def split(n):
    return 1 << (n - 1).bit_length() - 1


@cache
def naive_root(start, end):
    """MTH(D[start:end]), RFC 9162 §2.1.1."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    middle = start + split(end - start)
    return sha256(b"\x01" + naive_root(start, middle) + naive_root(middle, end)).digest()


def naive_path(index, start, end):
    """PATH(m, D[start:end]), RFC 9162 §2.1.3.1."""
    if end - start == 1:
        return ()
    middle = start + split(end - start)
    if index < middle:
        return (*naive_path(index, start, middle), naive_root(middle, end))
    return (*naive_path(index, middle, end), naive_root(start, middle))


def naive_consistency(size, start, end, known):
    """SUBPROOF(m, D[start:end], b), RFC 9162 §2.1.4.1; `size` counts from the tree's start."""
    if size == end:
        return () if known else (naive_root(start, end),)
    middle = start + split(end - start)
    if size <= middle:
        return (*naive_consistency(size, start, middle, known), naive_root(middle, end))
    return (*naive_consistency(size, middle, end, known=False), naive_root(start, middle))


class Rows:
    """A store of tile rows, grown through a frontier as a log would."""

    def __init__(self):
        self.rows = {}
        self.frontier = Frontier.EMPTY
        self.reads = []

    def append(self, hashes):
        self.frontier, gains = self.frontier.grow(hashes)
        for level, gain in enumerate(gains):
            self.rows[level] = self.rows.get(level, b"") + gain
        return self

    def hashes(self, level, start, count):
        assert 1 <= count <= 256
        assert start // 256 == (start + count - 1) // 256
        self.reads.append((level, start, count))
        found = self.rows[level][32 * start : 32 * (start + count)]
        assert len(found) == 32 * count
        return found


@pytest.fixture(scope="module")
def rows():
    return Rows().append(LEAVES)


def test_every_leaf_of_every_small_tree_has_its_naive_path():
    reader = Rows().append(LEAVES[:300])
    for size in range(1, 301):
        top = root(LEAVES[:size])
        assert top == naive_root(0, size) == root_at(reader, size)
        for index in range(size):
            proof = prove_inclusion(reader, index, size)
            assert root_from(LEAVES[index], proof) == top
            if size % 7 == 0 or size < 70:
                assert proof.hashes == naive_path(index, 0, size)


def test_every_pair_of_small_trees_has_its_naive_consistency_proof():
    reader = Rows().append(LEAVES[:130])
    for size2 in range(1, 131):
        for size1 in range(1, size2 + 1):
            proof = prove_consistency(reader, size1, size2)
            assert proof.hashes == naive_consistency(size1, 0, size2, known=True)
            verify_consistency(proof, naive_root(0, size1), naive_root(0, size2))


@given(st.integers(1, 70_000), st.data())
def test_a_path_in_a_large_tree_is_the_naive_one_and_reads_few_tiles(rows, size, data):
    index = data.draw(st.integers(0, size - 1))
    rows.reads.clear()
    proof = prove_inclusion(rows, index, size)
    assert len(rows.reads) <= 6
    assert len(set(rows.reads)) == len(rows.reads)
    assert proof.hashes == naive_path(index, 0, size)
    verify_inclusion(LEAVES[index], proof, naive_root(0, size))
    size1 = index + 1
    rows.reads.clear()
    consistency = prove_consistency(rows, size1, size)
    assert len(rows.reads) <= 6
    assert consistency.hashes == naive_consistency(size1, 0, size, known=True)
    verify_consistency(consistency, naive_root(0, size1), naive_root(0, size))


@given(st.lists(st.integers(0, 700), max_size=8))
def test_growing_in_any_pieces_is_growing_at_once_and_fills_the_naive_tiles(counts):
    store = Rows()
    size = 0
    for count in counts:
        store.append(LEAVES[size : size + count])
        size += count
        assert store.frontier.root() == naive_root(0, size)
    assert store.frontier == Frontier.EMPTY.extend(LEAVES[:size])
    assert store.frontier == Frontier.from_tiles(store, size)
    wanted = {}
    for level, width in enumerate((1, 256, 65_536)):
        full = range(0, size - width + 1, width)
        row = b"".join(naive_root(start, start + width) for start in full)
        if row:
            wanted[level] = row
    assert store.rows == wanted


def test_the_third_tile_level_is_reached_whole_or_in_pieces(rows):
    pieces = Rows()
    for start in range(0, 70_000, 997):
        pieces.append(LEAVES[start : start + 997])
    assert pieces.rows == rows.rows
    assert pieces.frontier == rows.frontier
    assert rows.rows[2] == naive_root(0, 65_536)
    assert rows.frontier.root() == root(LEAVES) == naive_root(0, 70_000)


def test_pymerkle_computes_the_same_roots():
    oracle = InmemoryTree("sha256")
    entries = [b"\x01\x55\x12\x20" + leaf for leaf in LEAVES[:200]]
    for size, entry in enumerate(entries, start=1):
        oracle.append_entry(entry)
        assert oracle.get_root() == root(leaf_hashes(entries[:size]))


@given(st.integers(2, 2_000), st.data())
def test_one_flipped_bit_of_an_inclusion_proof_is_refused(rows, size, data):
    index = data.draw(st.integers(0, size - 1))
    top = naive_root(0, size)
    path = prove_inclusion(rows, index, size).to_bytes()
    parts = [LEAVES[index], path, top]
    which = data.draw(st.integers(0, 2))
    parts[which] = flipped(parts[which], data)
    with pytest.raises(BadTreeProof) as refused:
        verify_inclusion(parts[0], InclusionProof.from_bytes(index, size, parts[1]), parts[2])
    assert refused.value.code == "root_mismatch"
    bit = 1 << data.draw(st.integers(0, 12))
    with pytest.raises(BadTreeProof):
        verify_inclusion(LEAVES[index], InclusionProof.from_bytes(index ^ bit, size, path), top)


@given(st.integers(2, 2_000), st.data())
def test_one_flipped_bit_of_a_consistency_proof_is_refused(rows, size2, data):
    size1 = data.draw(st.integers(1, size2 - 1))
    proof = prove_consistency(rows, size1, size2)
    parts = [naive_root(0, size1), naive_root(0, size2), *proof.hashes]
    which = data.draw(st.integers(0, len(parts) - 1))
    parts[which] = flipped(parts[which], data)
    with pytest.raises(BadTreeProof) as refused:
        verify_consistency(ConsistencyProof(size1, size2, tuple(parts[2:])), parts[0], parts[1])
    assert refused.value.code == "root_mismatch"


def flipped(value, data):
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_the_proof_lengths_of_huge_trees_are_those_of_the_verification_algorithm(one, other):
    index, size = min(one, other), max(one, other) + 1
    if size < 2**63:
        count = accepted_length(index, size - 1)
        assert len(InclusionProof(index, size, (bytes(32),) * count).hashes) == count <= 63
        for wrong in {count - 1, count + 1} - {-1}:
            with pytest.raises(BadTreeProof) as refused:
                InclusionProof(index, size, (bytes(32),) * wrong)
            assert refused.value.code == "path_length"


def accepted_length(fn, sn):
    """Count the hashes after which RFC 9162 §2.1.3.2 accepts (sn = 0)."""
    count = 0
    while sn:
        if fn & 1 or fn == sn:
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
        count += 1
    return count


@given(st.lists(st.binary(max_size=70), max_size=40))
def test_hashing_many_entries_is_hashing_each(entries):
    assert leaf_hashes(entries) == [sha256(b"\x00" + entry).digest() for entry in entries]
    assert leaf_hashes(entries) == [leaf_hash(entry) for entry in entries]
    assert (root(leaf_hashes(entries)) == EMPTY_ROOT) == (not entries)


@given(st.integers(0, 3_000_000))
def test_the_tiles_of_a_tree_cover_each_level_without_gap(size):
    widths = {}
    for tile in tiles_for(size):
        assert tile.index * 256 == widths.get(tile.level, 0)
        widths[tile.level] = tile.index * 256 + tile.width
        assert parse_tile_path(tile.path()) == tile
    assert widths == {level: size >> 8 * level for level in range(8) if size >> 8 * level}


@given(st.none() | st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, 256))
def test_every_tile_reference_survives_its_path(level, index, width):
    tile = TileRef(level, index, width)
    assert parse_tile_path(str(tile)) == tile


@given(
    st.text(alphabet="tile/0123456789x.pentrs\u0131\u0660 \n", max_size=30) | st.text(max_size=70)
)
def test_any_other_text_is_no_tile_path(text):
    for path in (text, "tile/" + text, "tile/0/" + text):
        try:
            tile = parse_tile_path(path)
        except BadTilePath:
            continue
        assert tile.path() == path


@given(st.lists(st.binary(max_size=90), min_size=1, max_size=256))
def test_a_bundle_gives_back_its_entries_and_nothing_else(entries):
    wire = encode_bundle(entries)
    assert decode_bundle(wire, len(entries)) == tuple(entries)
    for wrong in (wire + b"\x00", wire[:-1]):
        with pytest.raises(BadEntry):
            decode_bundle(wrong, len(entries))


@given(st.binary(max_size=300), st.integers(-2, 300))
def test_random_bytes_as_a_bundle_raise_only_our_error_or_read_back(wire, width):
    try:
        entries = decode_bundle(wire, width)
    except LodestampError:
        return
    assert encode_bundle(entries) == wire
