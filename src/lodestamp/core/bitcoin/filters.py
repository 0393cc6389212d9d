"""Compact block filters of the basic kind: which scripts a block pays or spends (BIP158, R20).

A filter is a sorted set of hashed scripts, Golomb-Rice coded. It never misses a script that is in
the block; one that is not is found with probability 1/784931.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lodestamp.core.bitcoin.block import Block
from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.wire import Reader, compact_size
from lodestamp.errors import LimitExceeded, MalformedBitcoin, MalformedBlock

FILTER_SIZE_MAX: Final = 4_000_000
"""Bytes of a filter: it is smaller than the block it is about."""

_P: Final = 19
_M: Final = 784_931
_MASK: Final = (1 << 64) - 1
_OP_RETURN: Final = 0x6A


def build(block: Block, spent: Iterable[bytes]) -> bytes:
    """Return the basic filter of a block; `spent` are the scripts of the outputs it spends.

    Empty scripts and those that start with OP_RETURN are left out.
    """
    paid = (
        script
        for tx in block.txs
        for output in tx.outputs
        if (script := bytes(output.script)) and script[0] != _OP_RETURN
    )
    return _encode(block.hash, {*paid, *(bytes(script) for script in spent if script)})


def match_any(filter_bytes: bytes, block_hash: bytes, scripts: Iterable[bytes]) -> bool:
    """Tell whether any of the scripts may be in the block; an empty list of them never is.

    MalformedBlock ``filter`` for bytes that are no filter, LimitExceeded above `FILTER_SIZE_MAX`.
    """
    values, count = _decode(filter_bytes)
    bound, key = count * _M, _key(block_hash)
    wanted = {_siphash(key, script) * bound >> 64 for script in scripts}
    return not wanted.isdisjoint(values)


def filter_header(filter_bytes: bytes, previous: bytes) -> bytes:
    """Return the header that commits to this filter and to all before it, internal byte order."""
    return sha256d(sha256d(filter_bytes) + previous)


def _encode(block_hash: bytes, scripts: set[bytes]) -> bytes:
    bound, key = len(scripts) * _M, _key(block_hash)
    values = sorted(_siphash(key, script) * bound >> 64 for script in scripts)
    bits: list[str] = []
    last = 0
    for value in values:
        delta, last = value - last, value
        bits.append("1" * (delta >> _P) + "0" + format(delta & (1 << _P) - 1, f"0{_P}b"))
    text = "".join(bits)
    size = -(-len(text) // 8)
    coded = int(text.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")
    return compact_size(len(scripts)) + coded


def _decode(filter_bytes: bytes) -> tuple[Sequence[int], int]:
    if len(filter_bytes) > FILTER_SIZE_MAX:
        raise LimitExceeded("the filter", FILTER_SIZE_MAX, len(filter_bytes))
    try:
        reader = Reader(filter_bytes)
        count = reader.compact_size()
    except MalformedBitcoin as error:
        raise MalformedBlock("filter", error.what, at=error.at) from error
    coded = filter_bytes[reader.pos :]
    if count * (_P + 1) > 8 * len(coded):
        raise MalformedBlock("filter", f"{count} elements do not fit {len(coded)} bytes")
    text = format(int.from_bytes(coded, "big"), f"0{8 * len(coded)}b") if coded else ""
    values, at, value = [], 0, 0
    for _ in range(count):
        end = text.find("0", at)
        if end < 0 or end + 1 + _P > len(text):
            raise MalformedBlock("filter", "the coded set is cut short")
        value += (end - at << _P) + int(text[end + 1 : end + 1 + _P], 2)
        values.append(value)
        at = end + 1 + _P
    if len(text) - at > 7 or "1" in text[at:]:
        raise MalformedBlock("filter", "bits are left over behind the set")
    return values, count


def _key(block_hash: bytes) -> tuple[int, int]:
    return int.from_bytes(block_hash[:8], "little"), int.from_bytes(block_hash[8:16], "little")


def _siphash(key: tuple[int, int], message: bytes) -> int:
    """Return SipHash-2-4 of a message, 64 bits (Aumasson and Bernstein)."""
    state = [
        key[0] ^ 0x736F6D6570736575,
        key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261,
        key[1] ^ 0x7465646279746573,
    ]
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = a + b & _MASK
        b = (b << 13 | b >> 51) & _MASK ^ a
        a = (a << 32 | a >> 32) & _MASK
        c = c + d & _MASK
        d = (d << 16 | d >> 48) & _MASK ^ c
        a = a + d & _MASK
        d = (d << 21 | d >> 43) & _MASK ^ a
        c = c + b & _MASK
        b = (b << 17 | b >> 47) & _MASK ^ c
        c = (c << 32 | c >> 32) & _MASK
    state[:] = (a, b, c, d)
