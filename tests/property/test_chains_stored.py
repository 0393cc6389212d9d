"""Any layout of block files answers as the same blocks in memory do (ownership R40)."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from blk_writer import block_upon, obfuscated, record
from lodestamp.core.bitcoin import REGTEST, check_merkle
from lodestamp.errors import LodestampError
from lodestamp.node.chains import BlkFolder, MemoryChain


def tree(parents):
    """Blocks upon each other, the first always upon the genesis block."""
    blocks, headers = [], [REGTEST.genesis]
    for tag, parent in enumerate(parents):
        blocks.append(block_upon(headers[0 if not tag else parent % len(headers)], tag=tag))
        headers.append(blocks[-1].header)
    return blocks


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=12),
    st.lists(st.integers(0, 40), min_size=12, max_size=12),
    st.binary(min_size=8, max_size=8),
    st.booleans(),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_r40_files_in_any_order_with_any_gaps_and_key_are_the_chain(  # noqa: PLR0917
    parents, gaps, key, plain_zeros, per_file, random
):
    blocks = tree(parents)
    raws = [each.encode() for each in blocks]
    random.shuffle(raws)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, start in enumerate(range(0, len(raws), per_file)):
            data = b""
            for raw, gap in zip(raws[start : start + per_file], gaps, strict=False):
                data += obfuscated(record(raw), key, len(data))
                zeros = bytes(gap)
                data += zeros if plain_zeros else obfuscated(zeros, key, len(data))
            (folder / f"blk{number:05}.dat").write_bytes(data)
        (folder / "xor.dat").write_bytes(key)
        chain, model = BlkFolder(folder, REGTEST), MemoryChain(raws)
        assert chain.tip() == model.tip()
        assert list(chain.raw_blocks(0, 99)) == list(model.raw_blocks(0, 99))
        for each in blocks:
            assert chain.block(each.hash) == model.block(each.hash)
            assert chain.transaction(each.txs[0].txid, block=each.hash) == each.txs[0]
        chain.close()


@settings(max_examples=60)
@given(st.integers(0, 2_000), st.integers(1, 255), st.integers(0, 900))
def test_r40_a_damaged_file_is_a_chain_or_our_error_and_never_other_transactions(at, flip, cut):
    blocks = tree(range(6))
    data = bytearray(b"".join(record(each.encode()) for each in blocks))
    data[at % len(data)] ^= flip
    by_root = {each.header.merkle: each.txs for each in blocks}
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "blk00000.dat").write_bytes(data[: len(data) - cut])
        try:
            chain = BlkFolder(Path(name), REGTEST)
        except LodestampError:
            return
        for height in range(1, chain.tip().height + 1):
            asked = chain.block_hash(height)
            with contextlib.suppress(LodestampError):
                block = chain.block(asked).block  # another header may have its work too, on regtest
                assert (block.hash, check_merkle(block)) == (asked, None)
                assert block.txs == by_root[block.header.merkle]
        chain.close()
