r"""The JSON that a carrier carries, read strictly (§3.2).

The standard library's parser is used, because lone surrogates are legal in it and stay.

>>> parse_operation(b'{"op":"t","sha1":"da39a3ee","value":5e3,"op":"r"}')
{'op': 'r', 'sha1': 'da39a3ee', 'value': 5000.0}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from lodestamp.errors import OperationMalformed

DEPTH_MAX: Final = 32
"""Arrays and objects inside each other; an operation has one level, and any parser has a stack."""
VALUE_MAX: Final = 99_999_999
"""Units of a work in one transfer: one less than there are, for a whole is never sent."""

_EXACT_DIGITS: Final = 15
"""Digits that every number of them keeps as a double."""
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_LONG_NUMBER: Final = re.compile(rb"[0-9]{%d}" % (_EXACT_DIGITS + 1))
_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(each for each in range(256) if each not in b"[]{}")


def parse_operation(text: bytes) -> dict[str, object]:
    """Return the object that a carrier's bytes are, read as UTF-8 with U+FFFD for what is none.

    Its `op` and `sha1` are strings. Of a key that occurs twice the last value counts. Numbers that
    a double cannot hold become the nearest one, or infinite. OperationMalformed ``too-deep`` (over
    32 levels), ``not-json`` (also NaN, Infinity and a byte order mark), ``not-object``, ``bad-op``
    and ``bad-sha1`` (absent, or no string). Which operations have an effect the rules say.
    """
    if _is_too_deep(text):
        raise OperationMalformed("too-deep", f"more than {DEPTH_MAX} levels of arrays and objects")
    decoded = text.decode("utf-8", errors="replace")
    number = _number if _LONG_NUMBER.search(text) else None  # None: the parser's own is faster
    try:
        found = json.loads(decoded, parse_int=number, parse_constant=_refuse_constant)
    except ValueError as error:
        raise OperationMalformed("not-json", f"the text is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise OperationMalformed("not-object", "the JSON is no object")
    for key in ("op", "sha1"):
        if not isinstance(found.get(key), str):
            raise OperationMalformed(f"bad-{key}", f"`{key}` is no string")
    return found


def transfer_value(operation: Mapping[str, object]) -> int:
    """Return the units that a transfer moves, 1 to 99,999,999.

    OperationMalformed ``bad-value`` unless `value` is a JSON number that, as a double, is a whole
    one in that range: 5, 5.0 and 5e3 are; true, "5" and 0.5 are not.
    """
    found = operation.get("value")
    if (
        isinstance(found, int | float)
        and not isinstance(found, bool)
        and 1 <= found <= VALUE_MAX
        and float(found).is_integer()
    ):
        return int(found)
    raise OperationMalformed("bad-value", f"`value` is no whole number from 1 to {VALUE_MAX:,}")


def _is_too_deep(text: bytes) -> bool:
    """Whether arrays and objects lie deeper in each other than they may, outside strings.

    Pairs without anything between are taken out level by level, all at once: a text of two million
    brackets would cost as many steps one by one. Of what is left unclosed, no more may be open.
    """
    if text.count(b"[") + text.count(b"{") <= DEPTH_MAX:
        return False
    left = _STRING.sub(b"", text).translate(_SQUARE, _NO_BRACKETS)
    for _ in range(DEPTH_MAX):
        if b"[]" not in left:
            break
        left = left.replace(b"[]", b"")
    return b"[]" in left or left.count(b"[") > DEPTH_MAX


def _number(digits: str) -> int | float:
    """Read a JSON integer: exactly where doubles are exact, else as the nearest double."""
    is_exact = len(digits.lstrip("-")) <= _EXACT_DIGITS
    return int(digits) if is_exact else float(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise OperationMalformed("not-json", f"{name} is no JSON")
