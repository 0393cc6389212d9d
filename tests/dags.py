"""Hand-made DAGs for tests: blocks that no importer would write."""

from __future__ import annotations

from lodestamp.core.content import Entry, EntryType, PBLink, PBNode, dag_pb, unixfs
from lodestamp.core.encoding import Cid


class Blocks(dict):
    """Blocks by CID, and the makers of nodes that put them there."""

    def put(self, codec, data):
        cid = Cid.of(codec, data)
        self[cid] = data
        return cid

    def raw(self, data):
        return self.put(0x55, data)

    def node(self, links=(), entry=None):
        data = None if entry is None else unixfs.encode(entry)
        return self.put(0x70, dag_pb.encode(PBNode(tuple(links), data)))

    def file(self, children, data=None):
        """Make an inner node over (cid, size) pairs."""
        sizes = tuple(size for _, size in children)
        total = sum(sizes) + len(data or b"")
        links = [PBLink(cid, b"", 0) for cid, _ in children]
        return self.node(links, Entry(EntryType.FILE, data, total, sizes))

    def directory(self, entries):
        links = [PBLink(cid, name, 0) for name, cid in entries]
        return self.node(links, Entry(EntryType.DIRECTORY))

    def symlink(self, target):
        return self.node((), Entry(EntryType.SYMLINK, target))

    def shard(self, links, *, fanout=256, hash_type=0x22, bitfield=None):
        """Make a shard over (prefixed name, cid) pairs."""
        width = len(f"{fanout - 1:X}")
        bits = sum(1 << int(name[:width], 16) for name, _ in links)
        usual = bits.to_bytes((bits.bit_length() + 7) // 8, "big")
        entry = Entry(
            EntryType.HAMT_SHARD,
            usual if bitfield is None else bitfield,
            hash_type=hash_type,
            fanout=fanout,
        )
        return self.node([PBLink(cid, name, 0) for name, cid in links], entry)


def held(blocks):
    """Return imported blocks as a mapping by CID."""
    return {block.cid: block.data for block in blocks}
