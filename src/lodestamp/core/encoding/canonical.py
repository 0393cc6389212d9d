r"""Canonical JSON: RFC 8785 over an integer-only value space (DESIGN D2, operations spec E1-E6).

Values are objects with text keys, arrays, texts of Unicode scalar values, integers of magnitude at
most 2^53-1, true, false and null. Floats never occur, not even 1.0. The wire form of a value is
its canonical bytes, so a reader re-encodes what it parsed and compares: that one comparison refuses
duplicate keys, spaces, ``-0``, needless escapes, a byte order mark and trailing bytes.

>>> canonical_json({"b": [1, True], "a": "é"})
b'{"a":"\xc3\xa9","b":[1,true]}'
>>> parse_canonical(b'{"a":1}')
{'a': 1}
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn, cast

import orjson
import rfc8785

from lodestamp.errors import EncodingError

JsonScalar = str | int | bool | None
JsonValue = JsonScalar | list["JsonValue"] | dict[str, "JsonValue"]
"""Any value of the integer-only space."""
JsonObject = dict[str, JsonValue]

INT_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader holds exactly (RFC 8785 §3.2.2.3, RFC 7493)."""
JSON_DEPTH_MAX: Final = 64
"""Open containers. Operations allow 32, proofs 40; no format of ours needs more."""
JSON_ITEMS_MAX: Final = 1 << 22
"""Containers on one level: bounds a value that refers to itself many times over."""
JSON_SIZE_MAX: Final = 16 << 20
"""Bytes, unless a caller names its own limit."""

# RFC 8785 sorts keys by UTF-16 code units, orjson by code points. The two orders differ only where
# a key holds a character beyond U+FFFF, whose UTF-8 begins with a byte >= 0xF0.
_astral: Final = re.compile(rb"[\xf0-\xff]").search


def canonical_json(value: JsonValue, *, depth_max: int = JSON_DEPTH_MAX) -> bytes:
    """Serialize a value as its one canonical byte string, per RFC 8785.

    EncodingError with code ``float``, ``int-range``, ``surrogate``, ``too-deep`` or ``not-json``
    (a type outside the value space) and a JSON pointer to the first offence. O(n).
    """
    _check_value(value, depth_max)
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):  # orjson: a lone surrogate is all that is left to refuse
        _refuse_surrogate(value)
    if not data.isascii() and _astral(data):
        return rfc8785.dumps(cast("Any", value))
    return data


def parse_canonical(
    data: bytes, *, size_max: int = JSON_SIZE_MAX, depth_max: int = JSON_DEPTH_MAX
) -> JsonObject:
    """Parse an object from its canonical bytes and from nothing else.

    Checks in this order, each an EncodingError of that code: ``too-large`` ``not-utf8``
    ``not-json`` ``not-object`` ``too-deep`` ``float`` ``int-range`` ``surrogate``
    ``not-canonical``. O(n) time; nothing is parsed beyond `size_max` bytes.
    """
    if len(data) > size_max:
        raise EncodingError("too-large", f"{len(data):,} bytes, more than {size_max:,}")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        _refuse_text(data)
    if type(value) is not dict:
        raise EncodingError("not-object", "the outermost value is not an object")
    if canonical_json(value, depth_max=depth_max) != data:
        raise EncodingError("not-canonical", "not the canonical bytes (RFC 8785) of its value")
    return value


def _check_value(value: object, depth_max: int) -> None:
    """Walk the value level by level: no recursion, so depth costs nothing but a count."""
    level: list[Any] = [[value]]
    depth = -1
    while level:
        depth += 1
        if depth > depth_max:
            raise EncodingError("too-deep", f"more than {depth_max} open containers")
        if len(level) > JSON_ITEMS_MAX:
            raise EncodingError("too-large", "too many containers")
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                for key in container:
                    if type(key) is not str:
                        raise EncodingError("not-json", f"key {key!r:.80} is not a text")
                items = container.values()
            else:
                items = container
            for item in items:
                kind = type(item)
                if kind is str or item is None or kind is bool:
                    continue
                if kind is int:
                    if not -INT_MAX <= item <= INT_MAX:
                        _refuse_item(value, item)
                elif kind is dict or kind is list:
                    below.append(item)
                else:
                    _refuse_item(value, item)
        level = below


def _refuse_item(value: object, item: object) -> NoReturn:
    at = _pointer_to(value, lambda found: found is item)
    if isinstance(item, float):
        hint = "write decimals as texts"
        raise EncodingError("float", "floating-point numbers have no place here", at=at, hint=hint)
    if isinstance(item, int) and type(item) is int:
        raise EncodingError("int-range", "an integer beyond 2^53-1", at=at)
    raise EncodingError("not-json", f"a {type(item).__name__} is no JSON value", at=at)


def _refuse_surrogate(value: object) -> NoReturn:
    at = _pointer_to(value, _has_surrogate)
    raise EncodingError("surrogate", "a text holds a lone surrogate", at=at) from None


def _has_surrogate(item: object) -> bool:
    return isinstance(item, str) and any("\ud800" <= character <= "\udfff" for character in item)


def _pointer_to(value: object, wanted: Any) -> str:
    """Return the RFC 6901 pointer to the first item that `wanted` accepts (keys count too)."""
    stack: list[tuple[str, object]] = [("", value)]
    while stack:
        path, item = stack.pop()
        if wanted(item):
            return path.encode("utf-8", "backslashreplace").decode()
        if isinstance(item, dict):
            if any(wanted(key) for key in item):
                return path.encode("utf-8", "backslashreplace").decode()
            stack += [
                (f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}", child)
                for key, child in reversed(item.items())
            ]
        elif isinstance(item, list):
            stack += [(f"{path}/{index}", item[index]) for index in range(len(item) - 1, -1, -1)]
    return ""


def _refuse_text(data: bytes) -> NoReturn:
    """Name what orjson refused: broken UTF-8, a lone surrogate, a float, or syntax."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError("not-utf8", "not UTF-8", at=f"byte {error.start}") from None
    try:
        value = json.loads(text, parse_float=_refuse_float, parse_constant=_refuse_float)
    except (ValueError, RecursionError):
        raise EncodingError("not-json", "not JSON") from None
    if any(map(_has_surrogate, _texts(value))):
        raise EncodingError("surrogate", "a text holds a lone surrogate") from None
    raise EncodingError("not-json", "not JSON") from None


def _refuse_float(_text: str) -> NoReturn:
    raise EncodingError("float", "floating-point numbers have no place here")


def _texts(value: object) -> list[str]:
    found: list[str] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            stack += item
    return found
