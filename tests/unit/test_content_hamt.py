"""HAMT: where names stand, what a reader refuses, and what absence rests on."""

from __future__ import annotations

import pytest

from dags import Blocks, held
from lodestamp.core.content import (
    Block,
    Budget,
    File,
    Kind,
    add_directory,
    check,
    dag_pb,
    get_profile,
    hamt,
    ls,
    murmur3_x64_64,
    resolve,
    stat,
)
from lodestamp.core.content.hamt import Named
from lodestamp.core.encoding import Cid
from lodestamp.errors import HamtError, LimitExceeded, LodestampError, PathError, UnixFSError

V1 = get_profile("unixfs-v1-2025")
LEAF = Cid.of(0x55, b"x")


def built(names):
    """Return the blocks by CID and the root of a HAMT over these names."""
    *blocks, root = hamt.build([Named(name, LEAF.encode(), 1) for name in names], V1)
    return held(blocks), Cid.decode(root.cid)


def colliding(level):
    """Return two names whose hashes share `level` bytes and no more."""
    seen = {}
    for number in range(1 << 20):
        name = b"%d" % number
        prefix = murmur3_x64_64(name)[:level]
        if prefix in seen:
            return seen[prefix], name
        seen[prefix] = name
    raise AssertionError("no collision")


def test_R52_the_first_byte_of_the_hash_is_the_first_bucket():
    blocks, root = built([b"470.txt"])
    [link] = dag_pb.decode(blocks[root], strict=True).links
    assert link.name == b"00470.txt"


def test_R52_two_names_of_one_bucket_make_a_sub_shard_recursively():
    one, two = colliding(2)
    blocks, root = built([one, two])
    cid, prefix = root, murmur3_x64_64(one)
    for level in range(2):
        [link] = dag_pb.decode(blocks[cid], strict=True).links
        assert link.name == b"%02X" % prefix[level]
        cid = link.cid
    names = {link.name[2:] for link in dag_pb.decode(blocks[cid]).links}
    assert names == {one, two}
    assert len(blocks) == 3


def test_R53_shard_links_are_sorted_by_bucket_and_the_bitfield_is_stripped():
    blocks, root = built([b"%d" % number for number in range(50)])
    node = dag_pb.decode(blocks[root], strict=True)
    buckets = [link.name[:2] for link in node.links]
    assert buckets == sorted(buckets)
    assert all(bucket == bucket.upper() for bucket in buckets)
    blocks, root = built([b"470.txt"])
    assert bytes.fromhex("0805120101") in blocks[root]


def test_two_names_of_one_hash_cannot_be_built():
    """Murmur collisions: all 64 bits equal is ``hamt.depth``, found by anyone who looks for it."""
    one, two = inverted_pair()
    assert murmur3_x64_64(one) == murmur3_x64_64(two)
    with pytest.raises(HamtError) as refused:
        built([one, two])
    assert refused.value.code == "hamt.depth"


def inverted_pair():
    """Return two names of one hash: a 16-byte stripe solved for the same two words of state."""
    mask = (1 << 64) - 1
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F

    def rotl(value, bits):
        return (value << bits | value >> 64 - bits) & mask

    def inverse(number):
        return pow(number, -1, 1 << 64)

    def stripes(first, k1, k2):
        h1 = h2 = 0
        for a, b in (first, (k1, k2)):
            h1 ^= rotl(a * c1 & mask, 31) * c2 & mask
            h1 = (rotl(h1, 27) + h2) * 5 + 0x52DCE729 & mask
            h2 ^= rotl(b * c2 & mask, 33) * c1 & mask
            h2 = (rotl(h2, 31) + h1) * 5 + 0x38495AB5 & mask
        return h1, h2

    def second_for(first, target):
        """Solve the second stripe so that the state after it is `target`."""
        h1, h2 = 0, 0
        a, b = first
        h1 ^= rotl(a * c1 & mask, 31) * c2 & mask
        h1 = (rotl(h1, 27) + h2) * 5 + 0x52DCE729 & mask
        h2 ^= rotl(b * c2 & mask, 33) * c1 & mask
        h2 = (rotl(h2, 31) + h1) * 5 + 0x38495AB5 & mask
        t1, t2 = target
        before = (t1 - 0x52DCE729) * inverse(5) - h2 & mask
        mixed = h1 ^ rotl(before, 64 - 27)
        k1 = rotl(mixed * inverse(c2) & mask, 64 - 31) * inverse(c1) & mask
        before = (t2 - 0x38495AB5) * inverse(5) - t1 & mask
        mixed = h2 ^ rotl(before, 64 - 31)
        k2 = rotl(mixed * inverse(c1) & mask, 64 - 33) * inverse(c2) & mask
        return k1, k2

    def text(*words):
        return b"".join(word.to_bytes(8, "little") for word in words)

    first, other = (1, 2), (3, 4)
    target = stripes(first, 5, 6)
    return text(*first, 5, 6), text(*other, *second_for(other, target))


def test_a_name_twice_cannot_be_built():
    with pytest.raises(UnixFSError) as refused:
        built([b"a", b"b", b"a"])
    assert refused.value.code == "unixfs.duplicate-name"


def test_lookup_finds_every_name_and_proves_absence():
    """R75: an empty bucket, or a bucket that holds another name."""
    names = [b"%d" % number for number in range(2000)]
    blocks, root = built(names)
    assert all(hamt.lookup(blocks.get, root, name).name == name for name in names[::97])
    absent = [b"x%d" % number for number in range(300)]
    assert {hamt.lookup(blocks.get, root, name) for name in absent} == {None}
    with pytest.raises(PathError) as refused:
        resolve(blocks.get, root, b"x1")
    assert refused.value.code == "path.absent"


def test_iterate_gives_exactly_the_names():
    names = {b"%d" % number for number in range(3000)}
    blocks, root = built(names)
    links = list(hamt.iterate(blocks.get, root))
    assert {link.name for link in links} == names
    assert len(links) == len(names)


def test_a_resolved_path_names_the_shards_on_the_way():
    """R112: shards are path blocks."""
    one, two = colliding(2)
    blocks = Blocks()
    blocks.raw(b"x")
    shards, root = built([one, two])
    blocks.update(shards)
    found = resolve(blocks.get, root, one)
    assert found.cid == LEAF
    assert len(found.blocks) == 4
    assert found.roots == (root, LEAF)


def entry_named(name, level=0):
    return b"%02X" % murmur3_x64_64(name)[level] + name


@pytest.mark.parametrize("fanout", [8, 16, 64, 512, 1024])
def test_R54_other_fanouts_are_read_most_significant_bits_first(fanout):
    blocks = Blocks()
    bits, width = fanout.bit_length() - 1, len(f"{fanout - 1:X}")
    hashed = int.from_bytes(murmur3_x64_64(b"name"), "big")
    first = hashed >> 64 - bits
    second = hashed >> 64 - 2 * bits & fanout - 1
    inner = blocks.shard([(b"%0*X" % (width, second) + b"name", LEAF)], fanout=fanout)
    root = blocks.shard([(b"%0*X" % (width, first), inner)], fanout=fanout)
    assert [link.name for link in hamt.iterate(blocks.get, root)] == [b"name"]
    assert hamt.lookup(blocks.get, root, b"name").cid == LEAF


def refusal(root, blocks):
    """Return the code with which listing is refused; the check must agree."""
    with pytest.raises(LodestampError) as refused:
        list(hamt.iterate(blocks.get, root))
    blocks.raw(b"x")
    report = check(blocks.get, root)
    assert refused.value.code in {defect.code for defect in report.defects}
    return refused.value.code


@pytest.mark.parametrize("fanout", [0, 4, 100, 2048, 1 << 40])
def test_R54_a_fanout_outside_its_range_is_refused(fanout):
    """CVE-2023-23625: a fanout of 2,048 and more allocates nothing."""
    blocks = Blocks()
    entry = b"0" * len(f"{max(fanout - 1, 1):X}") + b"a"
    root = blocks.shard([(entry, LEAF)], fanout=fanout, bitfield=b"\1")
    assert refusal(root, blocks) == "hamt.fanout"


def test_R54_a_tree_has_one_fanout():
    blocks = Blocks()
    hashed = murmur3_x64_64(b"a")
    inner = blocks.shard([(b"0a", LEAF)], fanout=8)
    root = blocks.shard([(b"%02X" % hashed[0], inner)])
    with pytest.raises(HamtError) as refused:
        hamt.lookup(blocks.get, root, b"a")
    assert refused.value.code == "hamt.fanout"
    assert refusal(root, blocks) == "hamt.fanout"


def test_entries_of_a_wrong_bucket_neither_hide_nor_shadow_a_name():
    """R54: at the first level and below it, where only the path tells."""
    blocks = Blocks()
    wrong = b"%02X" % (murmur3_x64_64(b"a")[0] ^ 1)
    assert refusal(blocks.shard([(wrong + b"a", LEAF)]), blocks) == "hamt.wrong-bucket"
    inner = blocks.shard([(entry_named(b"a", level=1), LEAF)])
    assert refusal(blocks.shard([(wrong, inner)]), blocks) == "hamt.wrong-bucket"


def test_one_sub_shard_under_two_buckets_is_a_wrong_bucket():
    """The same block is right in one place and wrong in the other; both are looked at."""
    blocks = Blocks()
    first = murmur3_x64_64(b"a")[0]
    other = first ^ 1
    inner = blocks.shard([(entry_named(b"a", level=1), LEAF)])
    links = sorted([(b"%02X" % first, inner), (b"%02X" % other, inner)])
    assert refusal(blocks.shard(links), blocks) == "hamt.wrong-bucket"


def test_a_bucket_twice_or_out_of_order_is_refused():
    blocks = Blocks()
    twice = blocks.shard([(b"00a", LEAF), (b"00b", LEAF)], bitfield=b"\1")
    assert refusal(twice, blocks) == "hamt.bitfield"
    unsorted = blocks.shard([(b"01a", LEAF), (b"00b", LEAF)], bitfield=b"\3")
    assert refusal(unsorted, blocks) == "hamt.bitfield"


@pytest.mark.parametrize("name", [b"", b"0", b"0aname", b"GGname", b" 0x", b"+1n", b"\xd9\xa0n"])
def test_R54_a_prefix_is_upper_case_hex(name):
    blocks = Blocks()
    root = blocks.shard([], bitfield=b"\1")
    links = (dag_pb.PBLink(LEAF, name, 0),)
    data = dag_pb.decode(blocks[root]).data
    root = blocks.put(0x70, dag_pb.encode(dag_pb.PBNode(links, data)))
    assert refusal(root, blocks) == "hamt.prefix"


def test_a_sub_shard_that_is_none_is_refused():
    blocks = Blocks()
    root = blocks.shard([(b"00", blocks.raw(b"x"))])
    assert refusal(root, blocks) == "unixfs.child-type"


def test_shards_below_the_last_bits_of_the_hash_are_refused():
    """A chain of sub-shards ends after 64 bits, whatever its blocks say."""
    blocks = Blocks()
    hashed = murmur3_x64_64(b"a")
    cid = blocks.shard([(b"00a", LEAF)])
    for byte in reversed(hashed):
        cid = blocks.shard([(b"%02X" % byte, cid)])
    with pytest.raises(HamtError) as refused:
        hamt.lookup(blocks.get, cid, b"a")
    assert refused.value.code == "hamt.depth"
    assert refusal(cid, blocks) == "hamt.depth"


def test_the_budget_bounds_the_entries():
    blocks, root = built([b"%d" % number for number in range(100)])
    with pytest.raises(LimitExceeded) as refused:
        list(ls(blocks.get, root, Budget(entries=99)))
    assert refused.value.code == "limit.entries"
    assert len(list(ls(blocks.get, root, Budget(entries=100)))) == 100


def test_a_directory_turns_into_a_hamt_and_lists_the_same_names():
    flat = V1
    sharded = V1.override(hamt_threshold=0)
    tree = [File((b"%d" % number,), [b"x"]) for number in range(300)]
    for profile, kind in ((flat, Kind.DIRECTORY), (sharded, Kind.SHARDED)):
        *blocks, root = add_directory(tree, profile)
        assert all(isinstance(block, Block) for block in blocks)
        get = held(blocks).get
        assert stat(get, root.cid).kind == kind
        assert {link.name for link in ls(get, root.cid)} == {file.path[0] for file in tree}
