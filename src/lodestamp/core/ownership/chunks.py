"""Scripts as the original engine cuts them: into chunks, or not at all."""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin import iter_ops
from lodestamp.errors import MalformedScript

Chunk = bytes | None
"""What a chunk pushes; None for an opcode that pushes nothing, or a number."""

_OP_RETURN: Final = 0x6A


def chunks_of(script: bytes) -> list[Chunk] | None:
    """Return the chunks of a script; None when a push reaches past its end.

    The pushes are opcodes 00 to 4e; the numbers of OP_1NEGATE and OP_1 to OP_16 are none.
    """
    try:
        return [pushed for _, pushed, _ in iter_ops(script)]
    except MalformedScript:
        return None


def returned(script: bytes) -> bytes | None:
    """Return the payload of an OP_RETURN output; None for another output.

    The payload is what the chunk behind OP_RETURN pushes, in any push form; empty when that is no
    push or there is none.
    """
    if not script or script[0] != _OP_RETURN:
        return None
    chunks = chunks_of(script)
    if chunks is None:
        return None
    return (chunks[1] if len(chunks) > 1 else None) or b""
