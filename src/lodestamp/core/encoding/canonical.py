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
from collections.abc import Iterable
from itertools import pairwise
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
POINTER_LENGTH_MAX: Final = 200
"""Characters of a pointer in an error, which people read."""
JSON_CONTAINERS_MAX: Final = 1 << 18
"""Objects and arrays in what is parsed: ten times the largest honest proof, and under a second."""

_TYPES: Final = frozenset({dict, list, str, int, bool, type(None)})
_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER

# RFC 8785 sorts keys by UTF-16 code units, orjson by code points. The two orders differ only where
# where a key holds a character beyond U+FFFF, whose UTF-8 begins with F0 to F4. From such a byte
# the pattern runs to the end of its text; a colon behind that says that the text is a key.
_ASTRAL_LEADS: Final = tuple(bytes([lead]) for lead in range(0xF0, 0xF5))
_astral_texts: Final = re.compile(rb'[\xf0-\xf4][^"\\]*+(?:\\.[^"\\]*+)*+"(:?)', re.DOTALL).finditer

_tokens: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|([\[{])', re.DOTALL).finditer
"""Texts, and the brackets outside them."""


def canonical_json(value: JsonValue, *, depth_max: int = JSON_DEPTH_MAX) -> bytes:
    """Serialize a value as its one canonical byte string, per RFC 8785.

    EncodingError with a JSON pointer to the first offence, in this order of codes: ``too-deep``
    ``not-json`` (a type outside the value space) ``float`` ``int-range`` ``surrogate``. O(n).
    """
    if not _is_plain(value, depth_max):
        _refuse_value(value, depth_max)
    return _encode(value, depth_max)


def _encode(value: JsonValue, depth_max: int) -> bytes:
    """Serialize what `_is_plain` accepts; errors as `canonical_json`."""
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except TypeError:  # a key that is no text, an integer out of range, a lone surrogate
        _refuse_value(value, depth_max)
    if not data.isascii() and _has_astral_key(data):
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
    if len(data) > 2 * JSON_CONTAINERS_MAX:  # none takes less than two bytes
        _refuse_many_containers(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        _refuse_text(data, depth_max)
    if type(value) is not dict:
        raise EncodingError("not-object", "the outermost value is not an object")
    if not _is_plain(value, depth_max):  # orjson reads integers beyond 64 bits as floats
        _refuse_text(data, depth_max)
    if not _is_canonical(data, value, depth_max):
        raise EncodingError("not-canonical", "not the canonical bytes (RFC 8785) of its value")
    return value


def _is_canonical(data: bytes, value: JsonObject, depth_max: int) -> bool:
    """Tell whether `data` is the one byte string of the plain value read from it.

    Where a key goes beyond U+FFFF the order of keys is looked at instead of made again: orjson
    reads and writes members in the order of the file.
    """
    try:
        again = orjson.dumps(value, option=_OPTIONS)
    except TypeError:
        _refuse_value(value, depth_max)
    if again.isascii() or not _has_astral_key(again):
        return again == data
    return orjson.dumps(value) == data and _is_in_order(value)


def _has_astral_key(data: bytes) -> bool:
    leads = [at for lead in _ASTRAL_LEADS if (at := data.find(lead)) >= 0]
    return bool(leads) and any(found[1] for found in _astral_texts(data, min(leads)))


def _is_in_order(value: JsonObject) -> bool:
    """Tell whether the keys of every object ascend by their UTF-16 code units (RFC 8785 §3.2.3)."""
    stack: list[Any] = [value]
    while stack:
        container = stack.pop()
        if type(container) is dict:
            names = [key.encode("utf-16-be") for key in container]
            if any(first >= second for first, second in pairwise(names)):
                return False
            container = container.values()
        stack += [item for item in container if type(item) is dict or type(item) is list]
    return True


def _refuse_many_containers(data: bytes) -> None:
    """Bound the work on a hostile file before it is parsed: objects and arrays cost the most."""
    if data.count(b"[") + data.count(b"{") <= JSON_CONTAINERS_MAX:
        return
    count = sum(1 for found in _tokens(data) if found[1])
    if count > JSON_CONTAINERS_MAX:
        message = f"{count:,} objects and arrays, more than {JSON_CONTAINERS_MAX:,}"
        raise EncodingError("too-large", message)


def _is_plain(value: object, depth_max: int) -> bool:
    """Tell whether all items are of our types and no container is too deep.

    The walk goes level by level: no recursion, so depth costs nothing but a count.
    """
    level: list[Any] = [[value]]
    for _depth in range(depth_max + 1):
        below: list[Any] = []
        for container in level:
            for item in container.values() if type(container) is dict else container:
                kind = type(item)
                if kind is str or kind is int:
                    continue
                if kind is dict or kind is list:
                    below.append(item)
                elif item is not None and kind is not bool:
                    return False
        if not below:
            return True
        if len(below) > JSON_ITEMS_MAX:
            raise EncodingError("too-large", "too many containers")
        level = below
    return False


# ---- refusing: slow, exact, and never reached by good bytes

_Place = tuple[int, Any, str | int]
"""How deep a container stands, the container, and a key in it."""
_MESSAGES: Final = {
    "not-json": "not a JSON value, or a key that is not a text",
    "float": "floating-point numbers have no place here",
    "int-range": "an integer beyond 2^53-1",
    "surrogate": "a text holds a lone surrogate",
}
"""Codes in the order in which they are reported (operations spec E6), and what they say."""
_lone_surrogate: Final = re.compile("[\ud800-\udfff]").search


def _refuse_value(value: object, depth_max: int) -> NoReturn:
    """Raise for the first offence of the first code that has one, shallow ones first.

    Hostile input comes here at its full size: a path is made for the offence, not for every item.
    """
    levels: list[list[Any]] = [[[value]]]
    found: dict[str, _Place] = {}
    while levels[-1]:
        if len(levels) - 1 > depth_max:
            raise EncodingError("too-deep", f"more than {depth_max} open containers")
        if len(levels[-1]) > JSON_ITEMS_MAX:
            raise EncodingError("too-large", "too many containers")
        levels.append(_walk(levels, found))
    for code, message in _MESSAGES.items():
        if code in found:
            hint = "write decimals as texts" if code == "float" else None
            at = json_pointer(*_path(levels, found[code]))
            raise EncodingError(code, message, at=at, hint=hint)
    raise EncodingError("not-json", "not JSON")


def _walk(levels: list[list[Any]], found: dict[str, _Place]) -> list[Any]:
    """Return the containers within the last level; add the first offence of each code."""
    below: list[Any] = []
    for container in levels[-1]:
        for key, item in _items(container):
            kind = type(item)
            if kind is int and -INT_MAX <= item <= INT_MAX:
                continue
            if isinstance(item, dict | list):
                below.append(item)
                if kind is list:
                    continue
            if (code := _offence(item)) and code not in found:
                found[code] = (len(levels) - 1, container, key)
    return below


def _path(levels: list[list[Any]], place: _Place) -> list[str | int]:
    """Return the keys that lead from the value to a place in it."""
    depth, target, key = place
    path = [key]
    for level in reversed(levels[:depth]):
        target, key = next(
            (container, key)
            for container in level
            for key, item in _items(container)
            if item is target
        )
        path.append(key)
    return path[-2::-1]  # without the list around the whole value


def _items(container: Any) -> Iterable[tuple[str | int, Any]]:
    return container.items() if isinstance(container, dict) else enumerate(container)


def _offence(item: object) -> str | None:
    """Return the code that one item breaks; a key counts as part of its object."""
    if isinstance(item, float):
        return "float"
    if type(item) not in _TYPES:
        return "not-json"
    if type(item) is int and not -INT_MAX <= item <= INT_MAX:
        return "int-range"
    texts = item if type(item) is dict else (item,) if type(item) is str else ()
    if not all(type(text) is str for text in texts):
        return "not-json"
    return "surrogate" if any(map(_lone_surrogate, texts)) else None


def json_pointer(*path: str | int) -> str:
    """Spell a path as an RFC 6901 pointer, cut after 200 characters: keys may be hostile."""
    tokens = ("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)
    whole = "".join(tokens).encode("utf-8", "backslashreplace").decode()
    return whole if len(whole) <= POINTER_LENGTH_MAX else f"{whole[:POINTER_LENGTH_MAX]}…"


def _refuse_text(data: bytes, depth_max: int) -> NoReturn:
    """Name what orjson refused, or read as a float: UTF-8, syntax, depth, numbers, surrogates."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError("not-utf8", "not UTF-8", at=f"byte {error.start}") from None
    try:
        value = json.loads(text, parse_int=_bounded_int, parse_constant=_no_constant)
    except RecursionError:
        raise EncodingError("too-deep", f"more than {depth_max} open containers") from None
    except ValueError:
        raise EncodingError("not-json", "not JSON") from None
    if not isinstance(value, dict):
        raise EncodingError("not-object", "the outermost value is not an object")
    _refuse_value(value, depth_max)


def _bounded_int(digits: str) -> int:
    """Read an integer; one of absurd length stands for any that is out of range."""
    return int(digits) if len(digits) <= 20 else INT_MAX + 1


def _no_constant(name: str) -> NoReturn:
    raise EncodingError("not-json", f"{name} is Python's, not JSON's")
