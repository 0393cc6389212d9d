"""The gate: one search over a raw block that says whether to look into it at all (R27)."""

from __future__ import annotations

import re
from typing import Final

GATE: Final = re.compile(
    rb"\x6a(?:[\x03-\x4b]|\x4c.|\x4d..|\x4e....)\x1f\x00[\x01-\xff]|\x6a.\xe2\x99\xa5", re.DOTALL
)
"""OP_RETURN and a push that begins like a first payload, or the beginning of a heart."""


def may_contain(raw_block: bytes) -> bool:
    """Whether a block may hold a primary or a heart; False is certain, True is not.

    Where the pattern matches says nothing: bytes before an output may hide where it begins.
    """
    return GATE.search(raw_block) is not None
