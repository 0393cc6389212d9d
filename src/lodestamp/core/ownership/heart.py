"""The heart: the output by which a tip or a dividend payment names its work (§3.3).

>>> parse_heart(heart_script("da39a3ee5e6b4b0d3255bfef95601890afd80709"))
'da39a3ee5e6b4b0d3255bfef95601890afd80709'
"""

from __future__ import annotations

import re
from typing import Final

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.ownership.chunks import is_whole
from lodestamp.errors import UsageError

HEART: Final = "♥".encode()
"""U+2665 in UTF-8: e2 99 a5."""
HEART_SCRIPT_SIZE: Final = 25
"""OP_RETURN, one byte, the heart, 20 bytes of SHA-1."""

_OP_RETURN: Final = b"\x6a"
_SHA1_HEX: Final = re.compile(r"[0-9a-f]{40}")


def parse_heart(script: bytes) -> str | None:
    """Return the SHA-1, in lowercase hex, that a heart's output script names; None if it is none.

    The second byte is not looked at, but the script must come apart into whole pushes and opcodes.
    """
    if (
        len(script) != HEART_SCRIPT_SIZE
        or script[:1] != _OP_RETURN
        or script[2:5] != HEART
        or not is_whole(script)
    ):
        return None
    return script[5:].hex()


def heart_of(tx: Transaction) -> str | None:
    """Return the SHA-1 that the last heart of a transaction names; None without one."""
    found = (parse_heart(each.script) for each in reversed(tx.outputs))
    return next((sha1 for sha1 in found if sha1 is not None), None)


def heart_script(sha1: str) -> bytes:
    """Return the output script of a heart; UsageError unless `sha1` is 40 lowercase hex digits."""
    if not _SHA1_HEX.fullmatch(sha1):
        raise UsageError(f"a SHA-1 is 40 lowercase hex digits, not {sha1!r}")
    return _OP_RETURN + b"\x17" + HEART + bytes.fromhex(sha1)
