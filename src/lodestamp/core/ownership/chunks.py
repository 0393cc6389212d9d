"""Scripts as the original engine cuts them: into chunks, or not at all.

A chunk is an opcode of 00 to 4e with what it pushes, or any other opcode alone. Scripts are stepped
through without keeping anything: an output may have a million opcodes.
"""

from __future__ import annotations

from typing import Final

Chunk = bytes | None
"""What a chunk pushes; None for an opcode that pushes nothing, or a number."""

_PUSHDATA1: Final = 0x4C
_PUSHDATA4: Final = 0x4E
_OP_RETURN: Final = 0x6A


def is_whole(script: bytes) -> bool:
    """Whether a script has chunks: no push in it reaches past its end."""
    pos, end = 0, len(script)
    while pos < end:
        op = script[pos]
        pos += 1
        if op < _PUSHDATA1:
            pos += op
        elif op <= _PUSHDATA4:
            width = 1 << op - _PUSHDATA1
            if pos + width > end:
                return False
            pos += width + int.from_bytes(script[pos : pos + width], "little")
    return pos == end


def two_chunks(script: bytes) -> tuple[Chunk, Chunk] | None:
    """Return the chunks of a script that has exactly two; None for another."""
    if not script:
        return None
    first, pos = _step(script, 0)
    if pos >= len(script):
        return None
    second, end = _step(script, pos)
    return (first, second) if end == len(script) else None


def returned(script: bytes) -> bytes | None:
    """Return the payload of an OP_RETURN output; None for another output.

    The payload is what the chunk behind OP_RETURN pushes, in any push form; empty when that is no
    push or there is none.
    """
    if not script or script[0] != _OP_RETURN or not is_whole(script):
        return None
    return (_step(script, 1)[0] if len(script) > 1 else None) or b""


def _step(script: bytes, pos: int) -> tuple[Chunk, int]:
    """Return the chunk at a position and where the next one begins; past the end if it is cut."""
    op = script[pos]
    pos += 1
    if op > _PUSHDATA4:
        return None, pos
    size = op
    if op >= _PUSHDATA1:
        width = 1 << op - _PUSHDATA1
        if pos + width > len(script):
            return None, len(script) + 1
        size = int.from_bytes(script[pos : pos + width], "little")
        pos += width
    return script[pos : pos + size], pos + size
