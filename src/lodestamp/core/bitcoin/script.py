"""Scripts as bytes: their opcodes, their pushes and their numbers.

>>> script = Script(push(b"abc") + bytes([Op.OP_SHA256]))
>>> [(op.name, pushed) for op, pushed in script.ops()]
[('OP_PUSHBYTES_3', b'abc'), ('OP_SHA256', None)]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.errors import MalformedScript, UsageError

ScriptStep = tuple[int, bytes | None, int]
"""An opcode, the bytes it pushes (None unless it is one of 00 to 4e), and where the next begins."""

_PUSHDATA1: Final = 0x4C
_PUSHDATA2: Final = 0x4D
_PUSHDATA4: Final = 0x4E
_OP_1NEGATE: Final = 0x4F
_OP_1: Final = 0x51
_OP_16: Final = 0x60


class Script(bytes):
    """A script: its bytes, whatever they are; what they mean is asked of it."""

    __slots__ = ()

    def ops(self) -> Iterator[tuple[Op, bytes | None]]:
        """Yield each opcode and what it pushes; MalformedScript where a push is cut off."""
        for op, pushed, _ in iter_ops(self):
            yield Op(op), pushed

    @property
    def is_p2sh(self) -> bool:
        """Whether it is HASH160 <20 bytes> EQUAL (BIP-16)."""
        return is_p2sh(self)

    @property
    def witness_program(self) -> tuple[int, bytes] | None:
        """Version 0..16 and program of 2..40 bytes, if it is a witness program (BIP-141)."""
        return witness_program(self)

    @property
    def is_push_only(self) -> bool:
        """Whether every opcode is at most 60 and no push is cut off."""
        return is_push_only(self)

    def __repr__(self) -> str:
        return f"Script({bytes(self)!r})"


def read_steps(script: bytes) -> tuple[list[ScriptStep], bool]:
    """Cut a script into steps; the second value is False where the last push is cut off."""
    steps: list[ScriptStep] = []
    pos, end = 0, len(script)
    while pos < end:
        op = script[pos]
        pos += 1
        if op > _PUSHDATA4:
            steps.append((op, None, pos))
            continue
        size = op
        if op >= _PUSHDATA1:
            width = 1 << op - _PUSHDATA1
            size = int.from_bytes(script[pos : pos + width], "little")
            pos += width
        after = pos + size
        if after > end:
            return steps, False
        steps.append((op, script[pos:after], after))
        pos = after
    return steps, True


def iter_ops(script: bytes) -> Iterator[ScriptStep]:
    """Yield each step of a script; MalformedScript ``cut-short`` where a push is cut off."""
    steps, is_whole = read_steps(script)
    yield from steps
    if not is_whole:
        at = steps[-1][2] if steps else 0
        raise MalformedScript("cut-short", "a push has fewer bytes than it announces", at=at)


def push(item: bytes) -> bytes:
    """Return the shortest script that pushes `item`: OP_0, OP_1..16, OP_1NEGATE or its bytes."""
    if len(item) == 1:
        if 1 <= item[0] <= 16:
            return bytes((_OP_1 - 1 + item[0],))
        if item[0] == 0x81:
            return bytes((_OP_1NEGATE,))
    return push_bytes(item)


def push_bytes(item: bytes) -> bytes:
    """Return a push of these very bytes behind the shortest length, never a numeric opcode.

    So 01 is pushed as 01 01, which MINIMALDATA refuses; it is the form that nodes use to find
    signatures in scripts, and what `<hex>` means in text. UsageError from 2^32 bytes on.
    """
    size = len(item)
    if size < _PUSHDATA1:
        return bytes((size,)) + item
    if size <= 0xFF:
        return bytes((_PUSHDATA1, size)) + item
    if size <= 0xFFFF:
        return bytes((_PUSHDATA2,)) + size.to_bytes(2, "little") + item
    if size > 0xFFFFFFFF:
        raise UsageError(f"no script pushes {size:,} bytes")
    return bytes((_PUSHDATA4,)) + size.to_bytes(4, "little") + item


def is_minimal_push(op: int, pushed: bytes) -> bool:
    """Whether `op` is the opcode that pushes these bytes with the fewest (BIP-62 rule 3)."""
    size = len(pushed)
    if size == 0:
        return op == 0
    if size == 1 and (1 <= pushed[0] <= 16 or pushed[0] == 0x81):
        return False
    if size < _PUSHDATA1:
        return op == size
    if size <= 0xFF:
        return op == _PUSHDATA1
    return size > 0xFFFF or op == _PUSHDATA2


def num_encode(n: int) -> bytes:
    """Encode a script number: little-endian, sign in the top bit, zero as no bytes at all."""
    if n == 0:
        return b""
    size = (abs(n).bit_length() + 8) // 8
    encoded = abs(n).to_bytes(size, "little")
    return encoded if n > 0 else encoded[:-1] + bytes((encoded[-1] | 0x80,))


def num_decode(item: bytes, max_len: int = 4, *, minimal: bool = False) -> int:
    """Decode a script number of at most `max_len` bytes; MalformedScript ``number`` otherwise.

    With `minimal`, the last byte may not be without use (7f or 80 padding).
    """
    n = read_num(item, max_len, minimal=minimal)
    if n is None:
        raise MalformedScript("number", f"{item[:16].hex()} is no script number")
    return n


def read_num(item: bytes, max_len: int, *, minimal: bool) -> int | None:
    """Decode a script number, or return None; the machine's form of `num_decode`."""
    size = len(item)
    if size == 0:
        return 0
    if size > max_len:
        return None
    top = item[-1]
    if minimal and not top & 0x7F and (size == 1 or not item[-2] & 0x80):
        return None
    n = int.from_bytes(item, "little")
    return n if top < 0x80 else (1 << 8 * size - 1) - n


def as_bool(item: bytes) -> bool:
    """Whether an item counts as true: any bit set, but for a lone sign bit at the end."""
    return any(item[:-1]) or item[-1:] not in {b"", b"\x00", b"\x80"}


def is_p2sh(script: bytes) -> bool:
    """Whether the script is HASH160 <20 bytes> EQUAL (BIP-16)."""
    return len(script) == 23 and script[:2] == b"\xa9\x14" and script[22] == Op.OP_EQUAL


def is_push_only(script: bytes) -> bool:
    """Whether every opcode is at most 60 (OP_RESERVED counts as a push) and no push is cut off."""
    steps, is_whole = read_steps(script)
    return is_whole and all(op <= _OP_16 for op, _, _ in steps)


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """Return version and program, if the script is OP_0..16 and one push of 2..40 bytes."""
    if not 4 <= len(script) <= 42 or script[1] + 2 != len(script):
        return None
    version = script[0]
    if version == 0:
        return 0, script[2:]
    return (version - _OP_1 + 1, script[2:]) if _OP_1 <= version <= _OP_16 else None
