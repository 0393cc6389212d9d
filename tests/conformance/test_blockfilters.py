"""BIP158 filters: 10 of 10 blocks with their filters and filter headers (R20)."""

from __future__ import annotations

from conftest import load_json
from lodestamp.core.bitcoin import Block, build_filter, check_merkle, filter_header, match_any


def test_r20_every_filter_and_filter_header_is_rebuilt(vectors):
    rows = load_json(vectors / "bitcoin/blockfilters.json")[1:]
    for _, block_hash, raw, spent, previous, wanted, header, note in rows:
        block = Block.decode(bytes.fromhex(raw))
        assert block.encode().hex() == raw, note
        assert block.hash_display == block_hash, note
        assert check_merkle(block) is None, note
        scripts = [bytes.fromhex(script) for script in spent]
        built = build_filter(block, scripts)
        assert built.hex() == wanted, note
        found = filter_header(built, bytes.fromhex(previous)[::-1])
        assert found[::-1].hex() == header, note
        assert not match_any(built, block.hash, [b"\x51\x02no"]), note
        for script in filter(None, scripts):
            assert match_any(built, block.hash, [b"\x51\x02no", script]), note
    assert len(rows) == 10
