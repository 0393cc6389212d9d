"""Content: reading is the inverse of adding, slices prove, and nothing foreign ever leaves."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dags import held
from lodestamp.core.content import (
    PROFILES,
    Block,
    Budget,
    Buzhash,
    Chunker,
    File,
    HamtEstimate,
    LayoutName,
    Profile,
    Rabin,
    Scope,
    Symlink,
    add_bytes,
    add_directory,
    check,
    covenant_layout,
    get_profile,
    hamt,
    ls,
    place,
    read,
    resolve,
    slices,
    stat,
    walk,
)
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import BlockMismatch, BlockMissing, LodestampError

profiles = st.sampled_from(list(PROFILES.values())) | st.builds(
    Profile.custom,
    cid_version=st.just(1),
    raw_leaves=st.booleans(),
    chunker=st.builds(Chunker, st.integers(1, 40))
    | st.sampled_from([Buzhash(), Rabin(16, 20, 30)]),
    max_links=st.integers(2, 5),
    hamt_estimate=st.sampled_from(HamtEstimate),
    layout=st.sampled_from(LayoutName),
    hash_code=st.sampled_from([HashCode.SHA2_256, HashCode.SHA2_512, HashCode.BLAKE2B_256]),
    hamt_threshold=st.integers(0, 300),
)
contents = st.binary(max_size=400)
names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=6
).filter(lambda name: name not in {".", ".."})
SMALL = Budget(output_bytes=1 << 20, steps=10_000, entries=1000)


@st.composite
def ranges(draw):
    data = draw(contents)
    start = draw(st.integers(0, len(data)))
    return data, start, draw(st.integers(start, len(data)))


@given(ranges(), profiles)
def test_R93_what_is_read_is_what_was_added_and_a_slice_proves_the_same(ranged, profile):
    data, start, end = ranged
    root, blocks = add_bytes(data, profile)
    get = held(blocks).get
    assert b"".join(read(get, root.cid)) == data
    assert b"".join(read(get, root.cid, start, end)) == data[start:end]
    assert check(get, root.cid, strict=True).is_complete
    assert {block.cid for block in walk(get, root.cid)} == held(blocks).keys()
    part = slices.extract(get, root.cid, "", start, end)
    found = slices.verify(part, root.cid, "", start, end)
    assert (found.data, found.file_size, found.unused) == (data[start:end], len(data), ())


@given(ranges(), profiles, st.data())
def test_one_changed_bit_in_a_slice_is_refused_and_a_block_less_is_missing(ranged, profile, draw):
    data, start, end = ranged
    root, blocks = add_bytes(data, profile)
    part = slices.extract(held(blocks).get, root.cid, "", start, end)
    number = draw.draw(st.integers(0, len(part) - 1))
    block = part[number]
    rest = part[:number] + part[number + 1 :]
    with pytest.raises(BlockMissing):
        slices.verify(rest, root.cid, "", start, end)
    if block.data:
        changed = bytearray(block.data)
        bit = draw.draw(st.integers(0, 8 * len(changed) - 1))
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BlockMismatch):
            slices.verify([*rest, Block(block.cid, bytes(changed))], root.cid, "", start, end)


@given(st.dictionaries(names, contents, max_size=12), profiles, st.randoms(use_true_random=False))
def test_a_directory_lists_what_was_added_in_any_order(files, profile, order):
    tree = [File((name.encode(),), [data]) for name, data in files.items()]
    *blocks, root = add_directory(tree, profile)
    get = held(blocks).get
    listed = {link.name.decode(): b"".join(read(get, link.cid)) for link in ls(get, root.cid)}
    assert listed == files
    for name, data in files.items():
        assert b"".join(read(get, resolve(get, root.cid, [name.encode()]).cid)) == data
    assert check(get, root.cid, strict=True).is_complete
    order.shuffle(tree)
    *_, again = add_directory(tree, profile)
    assert again == root
    assert root.size == sum(map(len, files.values()))
    assert root.dag_size == sum(len(block.data) for block in blocks)


def mutated(draw, data):
    """Replace, cut or repeat some bytes of a block."""
    at = draw.draw(st.integers(0, len(data)))
    cut = draw.draw(st.integers(0, 4))
    return data[:at] + draw.draw(st.binary(max_size=4)) + data[at + cut :]


def everything(get, cid):
    """Ask every reader; only our own errors may come out."""
    for ask in (
        lambda: stat(get, cid),
        lambda: list(read(get, cid, budget=SMALL)),
        lambda: list(read(get, cid, 1, 3, SMALL)),
        lambda: list(ls(get, cid, SMALL)),
        lambda: list(walk(get, cid, Scope.ENTITY, SMALL)),
        lambda: list(walk(get, cid, Scope.ALL, SMALL, repeated=True)),
        lambda: list(hamt.iterate(get, cid, SMALL)),
        lambda: hamt.lookup(get, cid, b"a"),
        lambda: resolve(get, cid, "a/b"),
        lambda: list(place(get, cid, SMALL)),
        lambda: covenant_layout.path(get, cid, 1),
        lambda: covenant_layout.check(get, cid, SMALL),
        lambda: check(get, cid, SMALL, strict=True),
    ):
        with suppress(LodestampError):
            ask()


@given(st.binary(max_size=200), st.sampled_from([0x70, 0x71, 0x0129, 0x55]))
def test_no_block_makes_a_reader_raise_anything_foreign(data, codec):
    cid = Cid.of(codec, data)
    everything({cid: data}.get, cid)


@given(st.booleans(), profiles, st.data())
def test_no_mutated_dag_makes_a_reader_raise_anything_foreign(is_file, profile, draw):
    tree = [File((b"a", b"b"), [bytes(60)]), File((b"c",), [b"c"]), Symlink((b"d",), b"a")]
    blocks = (
        add_bytes(bytes(range(60)), profile)[1]
        if is_file
        else list(add_directory(tree, profile))[:-1]
    )
    root = blocks[-1]
    data = mutated(draw, root.data)
    cid = Cid.of(root.cid.codec, data)
    everything({**held(blocks), cid: data}.get, cid)
    other = draw.draw(st.sampled_from(blocks))
    everything({**held(blocks), other.cid: mutated(draw, other.data)}.get, root.cid)


@given(profiles)
def test_every_profile_is_found_by_its_name(profile):
    assert get_profile(profile.name, experimental=True) == profile
