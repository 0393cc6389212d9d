"""Block files as Bitcoin Core writes them, for tests: records, obfuscation, room set aside."""

from __future__ import annotations

from dataclasses import replace

from headers import worked
from lodestamp.core.bitcoin import (
    REGTEST,
    Block,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    merkle_root,
    push_bytes,
)

KEY = bytes.fromhex("fa01ff7f80c3a5e9")
"""Its first byte is that of regtest's magic: an obfuscated record then begins with a zero."""


def record(raw, magic=REGTEST.magic):
    """The bytes of one record in the clear."""
    return magic + len(raw).to_bytes(4, "little") + raw


def obfuscated(data, key=KEY, offset=0):
    """Bytes as they lie in the file at this offset."""
    return bytes(byte ^ key[(offset + n) % len(key)] for n, byte in enumerate(data))


def write_files(folder, files, key=None, *, room=0):
    """Write `blk00000.dat` and so on from records and gaps in the clear, `room` zeros behind."""
    folder.mkdir(exist_ok=True)
    for number, parts in enumerate(files):
        data = b"".join(parts)
        if key is not None:
            data = obfuscated(data, key)
        (folder / f"blk{number:05}.dat").write_bytes(data + bytes(room))
    if key is not None:
        (folder / "xor.dat").write_bytes(key)


def block_upon(prev, *txs, tag=0, script=b"\x51", net=REGTEST, time=1_700_000_000):
    """A block with its work done upon a header; `tag` tells apart two of the same parent."""
    item = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), push_bytes(tag.to_bytes(4, "little")))
    coinbase = Transaction(1, (item,), (TxOut(5_000_000_000, script),))
    all_txs = (coinbase, *txs)
    root, _ = merkle_root([tx.txid for tx in all_txs])
    header = replace(
        net.genesis, version=0x20000000, prev=prev.hash, merkle=root, time=time, nonce=0
    )
    return Block(worked(header), all_txs)


def chain_upon(parent, count, *, tag=0, net=REGTEST):
    """So many blocks, each upon the one before; their coinbases are all different."""
    blocks = []
    for number in range(count):
        blocks.append(block_upon(parent, tag=tag * 100_000 + number, net=net))
        parent = blocks[-1].header
    return blocks
