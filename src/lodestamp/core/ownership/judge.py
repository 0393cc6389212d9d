"""Judging one operation, one flow, and a whole block (R1-R3, R10-R17, §4.7).

>>> from lodestamp.core.ownership.state import State
>>> judge_operation(State(0), {"op": "n"}, Transaction(1, (), ()), (), Rules.strict("regtest"))
Judgement(reason='bad-op', sha1='', seller=None, receiver=b'', value=0, sat=0)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from lodestamp.core.ownership.effects import (
    Owner,
)

ASSET_NAME_LENGTH_MAX: Final = 80
"""Characters of what names a work under `peer_compat` (Q4): as long as a column of the tables."""

_is_sha1: Final = re.compile(r"[0-9a-f]{40}").fullmatch
_is_unstorable: Final = re.compile("[\0\ud800-\udfff]").search


@dataclass(frozen=True, slots=True)
class Payment:
    """What a heart transaction does: `amount` satoshis to `destination` for a work."""

    kind: Literal["tip", "payment"]
    sha1: str
    amount: int
    destination: Owner
    sources: tuple[Owner, ...]
