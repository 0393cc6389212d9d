"""A folder of `blk*.dat` files as a chain, in every shape such folders have (ownership R40)."""

from __future__ import annotations

import fcntl
import os
import random
from dataclasses import replace

import pytest

from blk_writer import KEY, block_upon, chain_upon, obfuscated, record, write_files
from lodestamp.core.bitcoin import MAIN, NETWORKS, REGTEST, OutPoint, Transaction, TxIn, TxOut
from lodestamp.errors import ChainNotFound, ChainRpcError, ChainUnsupported, WrongNetwork
from lodestamp.node.chains import BlkFolder, BlockRef, MemoryChain, genesis_block
from lodestamp.node.chains.blk_files import OPEN_FILES_MAX

BLOCKS = chain_upon(REGTEST.genesis, 12)
STALE = chain_upon(BLOCKS[4].header, 3, tag=1)
GENESIS = record(genesis_block(REGTEST).encode())


def rows(blocks):
    return [record(each.encode()) for each in blocks]


def opened(folder, net=REGTEST, **options):
    return BlkFolder(folder, net, **options)


def shuffled():
    """All blocks and stale ones, in disorder over three files, the genesis block somewhere."""
    parts = [GENESIS, *rows([*BLOCKS, *STALE]), *rows(BLOCKS[2:4])]
    random.Random(5).shuffle(parts)
    return [parts[:6], parts[6:9], parts[9:]]


@pytest.mark.parametrize("key", [None, KEY, bytes(8), bytes.fromhex("0001020304050607")])
@pytest.mark.parametrize("room", [0, 1, 7, 8, 88, 3_000_001])
def test_r40_the_best_branch_is_read_from_any_disorder(tmp_path, key, room):
    """Obfuscated or not, room set aside or not, unordered, with stale blocks and duplicates."""
    write_files(tmp_path, shuffled(), key, room=room)
    with_tip = BlockRef(12, BLOCKS[-1].hash)
    chain = opened(tmp_path)
    assert chain.tip() == with_tip
    assert [raw for _, raw in chain.raw_blocks(0, 99)] == [
        genesis_block(REGTEST).encode(), *(each.encode() for each in BLOCKS),
    ]  # fmt: skip
    assert chain.block(STALE[1].hash).height == 7
    assert chain.header(STALE[1].hash) == STALE[1].header
    assert chain.headers(3, 2) == (BLOCKS[2].header, BLOCKS[3].header)
    assert chain.network is REGTEST
    chain.close()


def test_r40_zeros_between_records_and_obfuscated_zeros_are_passed_over(tmp_path):
    gaps = [bytes(n) for n in (1, 3, 8, 17, 1_048_577, 5, 2, 9, 80, 81, 4, 6)]
    parts = [part for pair in zip(rows(BLOCKS), gaps, strict=True) for part in pair]
    for name, key in (("clear", None), ("obfuscated", KEY)):
        write_files(tmp_path / name, [parts], key)
        assert opened(tmp_path / name).tip() == BlockRef(12, BLOCKS[-1].hash)


def test_r40_raw_zeros_before_an_obfuscated_record_that_begins_like_them(tmp_path):
    """The first byte of such a record is the magic's XORed with the key's: here 0 at offset 8·n."""
    first, rest = record(BLOCKS[0].encode()), b"".join(rows(BLOCKS[1:]))
    gap = -len(first) % 8 + 16
    begin = len(first) + gap
    masked = obfuscated(rest, KEY, begin)
    assert masked[0] == 0
    (tmp_path / "xor.dat").write_bytes(KEY)
    (tmp_path / "blk00000.dat").write_bytes(obfuscated(first, KEY) + bytes(gap) + masked)
    assert opened(tmp_path).tip().height == 12


@pytest.mark.parametrize("key", [None, KEY])
def test_r40_an_incomplete_last_record_ends_the_pass_and_is_read_once_it_is_whole(tmp_path, key):
    write_files(tmp_path, [rows(BLOCKS)], key)
    path = tmp_path / "blk00000.dat"
    whole = path.read_bytes()
    last = len(record(BLOCKS[-1].encode()))
    for cut in (1, last - 90, last - 88, last - 8, last - 4, last - 1):
        path.write_bytes(whole[:-cut])
        chain = opened(tmp_path)
        assert chain.tip() == BlockRef(11, BLOCKS[-2].hash)
        path.write_bytes(whole)
        assert chain.tip() == BlockRef(12, BLOCKS[-1].hash)
        chain.close()


def test_r40_a_record_of_which_only_the_frame_is_written_ends_the_pass(tmp_path):
    """Core sets room aside first, so that a block may be there in length and not in bytes."""
    raw = BLOCKS[-1].encode()
    write_files(tmp_path, [[*rows(BLOCKS[:-1]), REGTEST.magic, len(raw).to_bytes(4, "little")]])
    with (tmp_path / "blk00000.dat").open("ab") as file:
        file.write(bytes(100_000))
    assert opened(tmp_path).tip().height == 11


def test_blocks_that_come_later_are_seen_also_in_a_new_file(tmp_path):
    write_files(tmp_path, [rows(BLOCKS[:4])], KEY, room=400)
    chain = opened(tmp_path)
    assert chain.tip().height == 4
    write_files(tmp_path, [rows(BLOCKS[:6]), rows(BLOCKS[6:8])], KEY)
    assert chain.block_hash(8) == BLOCKS[7].hash
    write_files(tmp_path, [rows(BLOCKS[:6]), rows(BLOCKS[6:8]), rows(BLOCKS[8:])], KEY)
    assert chain.raw_block(BLOCKS[11].hash) == BLOCKS[11].encode()
    assert chain.tip().height == 12


def test_r40_the_files_are_never_written_to(tmp_path):
    write_files(tmp_path, [rows(BLOCKS)], KEY)
    for path in tmp_path.iterdir():
        path.chmod(0o400)
    before = {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()
    }
    chain = opened(tmp_path)
    list(chain.raw_blocks(0, 99))
    descriptors = list(chain._files._open.values())
    assert descriptors
    for each in descriptors:
        assert fcntl.fcntl(each, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    chain.close()
    assert before == {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()
    }


def test_r40_memory_and_open_files_are_bounded(tmp_path):
    """No block is kept, and no more than `OPEN_FILES_MAX` files stay open."""
    write_files(
        tmp_path,
        [rows([each]) for each in (*BLOCKS, *STALE, *chain_upon(BLOCKS[-1].header, 9, tag=4))],
    )
    chain = opened(tmp_path)
    assert chain.tip().height == 21
    assert len(list(chain.raw_blocks(0, 99))) == 22
    assert len(chain._files._open) <= OPEN_FILES_MAX < 24
    kept = [each for each in vars(chain).values() if isinstance(each, bytes | dict | list)]
    assert sum(map(len, kept)) <= 24
    chain.close()


@pytest.mark.parametrize("net", [each for each in NETWORKS.values() if each is not REGTEST])
def test_r40_the_magic_of_another_network_is_refused(tmp_path, net):
    write_files(tmp_path, [[record(b"x" * 200, net.magic)]])
    with pytest.raises(WrongNetwork, match=net.magic.hex()):
        opened(tmp_path)
    write_files(tmp_path, [[record(genesis_block(net).encode(), net.magic)]])
    assert opened(tmp_path, net).tip() == BlockRef(0, net.genesis.hash)


def test_r40_a_wrong_or_missing_key_is_told_from_damage(tmp_path):
    write_files(tmp_path, [rows(BLOCKS)], KEY)
    for key in (b"", bytes(8), b"12345678"):
        with pytest.raises(WrongNetwork) as refused:
            opened(tmp_path, key=key)
        assert "xor.dat" in refused.value.hint
    (tmp_path / "xor.dat").unlink()
    assert opened(tmp_path, key=KEY).tip().height == 12
    for wrong in (b"1234567", b"123456789", b""):
        (tmp_path / "xor.dat").write_bytes(wrong)
        with pytest.raises(ChainRpcError, match="8 bytes"):
            opened(tmp_path)


def test_a_header_without_its_work_or_a_foreign_genesis_is_refused(tmp_path):
    weak = BLOCKS[5]
    while int.from_bytes(weak.hash, "little") <= 0x7FFFFF << 232:
        weak = replace(weak, header=replace(weak.header, nonce=weak.header.nonce + 1))
    write_files(tmp_path, [rows([*BLOCKS[:5], weak])])
    with pytest.raises(ChainRpcError, match="lacks its work"):
        opened(tmp_path)
    foreign = block_upon(type("None", (), {"hash": bytes(32)}))
    write_files(tmp_path, [rows([foreign])])
    with pytest.raises(WrongNetwork):
        opened(tmp_path)


def test_what_is_neither_a_record_nor_zeros_is_told_with_its_place(tmp_path):
    rest = rows(BLOCKS[1:])
    for junk, at in ((b"junk" * 30, 0), (bytes(9) + b"junk" * 30, 9)):
        write_files(tmp_path, [[record(BLOCKS[0].encode()), junk, *rest]])
        place = len(record(BLOCKS[0].encode())) + at
        with pytest.raises(ChainRpcError, match=f"blk00000.dat, byte {place:,}: neither"):
            opened(tmp_path)
    for size in (0, 80, 4_000_001, 0xFFFFFFFF):
        frame = REGTEST.magic + size.to_bytes(4, "little")
        write_files(tmp_path, [[frame, BLOCKS[0].encode(), *rest]])
        with pytest.raises(ChainRpcError, match="a record of"):
            opened(tmp_path)


def test_a_file_that_is_too_long_is_refused_before_it_is_read(tmp_path):
    write_files(tmp_path, [rows(BLOCKS)])
    os.truncate(tmp_path / "blk00000.dat", 128 * 1024 * 1024 + 1)
    with pytest.raises(ChainRpcError, match="134,217,728"):
        opened(tmp_path)


def test_a_folder_that_is_absent_empty_or_pruned_is_no_chain(tmp_path):
    with pytest.raises(ChainNotFound, match="nowhere"):
        opened(tmp_path / "nowhere")
    (tmp_path / "rev00000.dat").write_bytes(b"undo")
    with pytest.raises(ChainNotFound, match=r"no blk\*\.dat"):
        opened(tmp_path)
    write_files(tmp_path, [[], rows(BLOCKS[3:])])
    with pytest.raises(ChainNotFound) as refused:
        opened(tmp_path)
    assert "pruned" in refused.value.hint


def test_a_block_that_changed_behind_our_back_is_no_answer(tmp_path):
    write_files(tmp_path, [rows(BLOCKS)])
    chain = opened(tmp_path)
    path = tmp_path / "blk00000.dat"
    damaged = bytearray(path.read_bytes())
    damaged[8 + 81] ^= 1  # inside the first transaction of the first block
    with path.open("r+b") as file:
        file.write(damaged)
    with pytest.raises(ChainRpcError, match="inconsistent"):
        chain.block(BLOCKS[0].hash)
    damaged[8] ^= 1  # and in its header
    with path.open("r+b") as file:
        file.write(damaged)
    with pytest.raises(ChainRpcError, match="inconsistent"):
        chain.raw_block(BLOCKS[0].hash)


def test_r30_transactions_and_what_they_spend_are_found_by_looking_back(tmp_path):
    paid = Transaction(1, (TxIn(OutPoint(BLOCKS[0].txs[0].txid, 0)),), (TxOut(7, b"\x51"),))
    last = block_upon(BLOCKS[-1].header, paid, tag=77)
    write_files(tmp_path, [rows([last, *BLOCKS])], KEY)
    chain = opened(tmp_path)
    for near in (None, 0, 5, 13, 400):
        assert chain.transaction(paid.txid, near=near) == paid
    assert chain.prevouts(last.hash, 1) == BLOCKS[0].txs[0].outputs
    assert chain.block(last.hash, prevouts=True).spent == ((), BLOCKS[0].txs[0].outputs)
    with pytest.raises(ChainNotFound):
        chain.transaction(b"\1" * 32)
    assert not chain.capabilities().txindex
    assert not chain.capabilities().prevouts
    with pytest.raises(ChainUnsupported, match=r"blk\*\.dat"):
        chain.utxos_of(b"\x51")


def test_the_file_answers_as_the_memory_does(tmp_path):
    write_files(tmp_path, shuffled(), KEY)
    chain, model = opened(tmp_path), MemoryChain(each.encode() for each in BLOCKS)
    assert list(chain.raw_blocks(0, 20)) == list(model.raw_blocks(0, 20))
    assert chain.headers(0, 20) == model.headers(0, 20)


def test_main_needs_the_work_of_main(tmp_path):
    write_files(tmp_path, [[record(BLOCKS[0].encode(), MAIN.magic)]])
    with pytest.raises(ChainRpcError, match="lacks its work"):
        opened(tmp_path, MAIN)
