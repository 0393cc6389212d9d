"""Content: what holds for any bytes, any pieces, any profile, and any damaged block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lodestamp.core.content import (
    PROFILES,
    Chunker,
    Entry,
    EntryType,
    Mtime,
    PBLink,
    PBNode,
    Profile,
    add_bytes,
    add_file,
    address_file,
    dag_pb,
    get_profile,
    unixfs,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import LodestampError

U64 = st.integers(0, (1 << 64) - 1)

custom_profiles = st.builds(
    Profile.custom,
    cid_version=st.sampled_from([0, 1]),
    raw_leaves=st.booleans(),
    chunker=st.builds(Chunker, st.integers(1, 40)),
    max_links=st.integers(2, 5),
)
named_profiles = st.sampled_from(list(PROFILES.values()))
contents = st.binary(max_size=600)

cids = st.builds(Cid.of, st.sampled_from([0x55, 0x70]), st.binary(max_size=8)) | st.builds(
    lambda data: Cid.of(0x70, data).to_v0(), st.binary(max_size=8)
)
links = st.builds(PBLink, cids, st.none() | st.binary(max_size=20), st.none() | U64)
nodes = st.builds(
    PBNode, st.lists(links, max_size=5).map(tuple), st.none() | st.binary(max_size=40)
)
entries = st.builds(
    Entry,
    st.sampled_from(EntryType),
    st.none() | st.binary(max_size=20),
    st.none() | U64,
    st.lists(U64, max_size=4).map(tuple),
    st.none() | U64,
    st.none() | U64,
    st.none() | st.integers(0, (1 << 32) - 1),
    st.none()
    | st.builds(Mtime, st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 999_999_999)),
)


def split(data, widths):
    """Yield `data` in pieces of the given widths, the rest last."""
    pos = 0
    for width in widths:
        yield data[pos : pos + width]
        pos += width
    yield data[pos:]


def file_bytes(blocks, cid):
    """Return the content of a DAG by walking it: links and lengths only, from the root down."""
    data = blocks[cid]
    if cid.codec == 0x55:
        return data
    node = dag_pb.decode(data, strict=True)
    entry = unixfs.decode(node.data)
    parts = [file_bytes(blocks, link.cid) for link in node.links]
    assert tuple(map(len, parts)) == entry.blocksizes
    content = (entry.data or b"") + b"".join(parts)
    assert entry.filesize == len(content)
    return content


@given(contents, custom_profiles | named_profiles)
def test_the_leaves_joined_give_the_bytes_back(data, profile):
    root, blocks = add_bytes(data, profile)
    assert all(block.cid.matches(block.data) for block in blocks)
    assert file_bytes({block.cid: block.data for block in blocks}, root.cid) == data
    assert root.size == len(data)
    assert root.blocks == len(blocks)
    assert root.dag_size == sum(len(block.data) for block in blocks)


@given(contents, st.lists(st.integers(0, 90), max_size=12), custom_profiles | named_profiles)
def test_how_the_bytes_are_split_into_pieces_changes_nothing(data, widths, profile):
    root, blocks = add_bytes(data, profile)
    assert address_file(split(data, widths), profile) == root
    assert list(add_file(split(data, widths), profile)) == [*blocks, root]


@given(contents, st.lists(st.integers(0, 90), max_size=12), st.integers(1, 100))
def test_cuts_do_not_depend_on_the_pieces(data, widths, size):
    chunks = [bytes(chunk) for chunk in Chunker(size).cut(split(data, widths))]
    assert chunks == [data[start : start + size] for start in range(0, len(data), size)]


@given(custom_profiles | named_profiles)
def test_a_profile_is_found_by_its_name(profile):
    assert get_profile(profile.name) == profile


@given(nodes)
def test_a_dag_pb_node_survives_its_block(node):
    assert dag_pb.decode(dag_pb.encode(node), strict=True) == node


@given(entries)
def test_a_unixfs_entry_survives_its_message(entry):
    assert unixfs.decode(unixfs.encode(entry)) == entry


def mutated(blocks):
    """Return a strategy of blocks with some bytes replaced, cut or repeated."""
    return st.builds(
        lambda block, at, new, cut: block[:at] + new + block[at + cut :],
        blocks,
        st.integers(0, 60),
        st.binary(max_size=4),
        st.integers(0, 4),
    )


def refused(read, *args, **options):
    """Return what `read` gives, or the refusal; anything but our own errors fails the test."""
    try:
        return read(*args, **options)
    except LodestampError as error:
        return error


@given(st.binary(max_size=80) | mutated(nodes.map(dag_pb.encode)))
def test_no_bytes_make_the_dag_pb_decoder_raise_anything_foreign(block):
    node = refused(dag_pb.decode, block)
    strict = refused(dag_pb.decode, block, strict=True)
    if isinstance(node, LodestampError):
        assert strict.code == node.code
    elif dag_pb.encode(node) == block:
        assert strict == node
    else:
        assert strict.code == "dagpb.not-canonical"
        assert dag_pb.decode(dag_pb.encode(node), strict=True) == node


@given(st.binary(max_size=60) | mutated(entries.map(unixfs.encode)))
def test_no_bytes_make_the_unixfs_decoder_raise_anything_foreign(message):
    entry = refused(unixfs.decode, message)
    if isinstance(entry, LodestampError):
        assert entry.code in {"unixfs.message", "unixfs.type", "unixfs.mtime"}
    else:
        assert unixfs.decode(unixfs.encode(entry)) == entry


@given(st.text(max_size=40) | st.text(max_size=40).map("custom:".__add__))
def test_no_text_makes_the_profile_reader_raise_anything_foreign(name):
    profile = refused(get_profile, name)
    if isinstance(profile, LodestampError):
        assert profile.code == "profile.unknown"
    else:
        assert name in {profile.name, "legacy-cid-v0"}
