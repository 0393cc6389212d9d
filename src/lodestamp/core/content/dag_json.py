r"""DAG-JSON, read only: foreign nodes whose links and paths are walked (content spec R71).

``{"/": text}`` is a link and ``{"/": {"bytes": base64}}`` a byte string; no other map has the key
``/``. The bytes are never written again, so white space between tokens is let through.

>>> decode(b'{"a":[1,{"/":{"bytes":"AQI"}}]}')
{'a': [1, b'\x01\x02']}
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NoReturn

from lodestamp.core.content.dag_cbor import NodeValue, require_depth
from lodestamp.core.content.limits import BLOCK_SIZE_MAX
from lodestamp.core.encoding import Cid, base64_decode
from lodestamp.errors import CodecError, EncodingError, LimitExceeded

_INTEGER_DIGITS_MAX: Final = 21
"""Characters of the longest integer, -2^64, with its sign."""
_FLOAT_DIGITS_MAX: Final = 1_100
"""Characters: the longest exact decimal of a 64-bit float takes 1,077."""


def decode(buf: bytes) -> NodeValue:
    """Parse one block of at most 2 MiB.

    CodecError ``dagjson.malformed`` for bytes that are no such JSON, ``dagjson.keys`` for keys
    repeated or out of the order of their bytes, ``dagjson.reserved`` for another use of ``/``.
    CidError for a link that is no CID. LimitExceeded for size and depth.
    """
    return _decode(buf, [])


def links(buf: bytes) -> Iterator[Cid]:
    """Yield every link of a block in the order of its text; errors as `decode`."""
    found: list[Cid] = []
    _decode(buf, found)
    yield from found


def _decode(buf: bytes, found: list[Cid]) -> NodeValue:
    if len(buf) > BLOCK_SIZE_MAX:
        raise LimitExceeded("the size of a DAG-JSON block in bytes", BLOCK_SIZE_MAX, len(buf))

    def gather(pairs: list[tuple[str, NodeValue]]) -> NodeValue:
        value = _node_of(pairs)
        if isinstance(value, Cid):
            found.append(value)
        return value

    try:
        value: NodeValue = json.loads(
            buf.decode("utf-8"),
            object_pairs_hook=gather,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_refuse_constant,
        )
        _require_text(value)
    except (json.JSONDecodeError, UnicodeError) as error:
        raise CodecError("dagjson.malformed", f"no DAG-JSON: {error}") from None
    except RecursionError:
        raise CodecError("dagjson.malformed", "no DAG-JSON: nested without end") from None
    require_depth(value)
    return value


def _node_of(pairs: list[tuple[str, NodeValue]]) -> NodeValue:
    keys = [key.encode("utf-8") for key, _ in pairs]
    if any(first >= second for first, second in pairwise(keys)):
        raise CodecError("dagjson.keys", "the keys of a map are repeated or not sorted")
    if b"/" not in keys:
        return dict(pairs)
    value = pairs[0][1]
    if len(pairs) == 1 and isinstance(value, str):
        return Cid.parse(value)
    if len(pairs) == 1 and isinstance(value, dict) and value.keys() == {"bytes"}:
        return _bytes_of(value["bytes"])
    raise CodecError("dagjson.reserved", "the key / names a link or bytes and stands alone")


def _bytes_of(text: NodeValue) -> bytes:
    if not isinstance(text, str) or "=" in text:
        raise CodecError("dagjson.reserved", "bytes are base64 without padding")
    try:
        return base64_decode(text + "=" * (-len(text) % 4))
    except EncodingError as error:
        raise CodecError("dagjson.reserved", error.message) from None


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS_MAX or not -(1 << 64) <= int(text) < 1 << 64:
        raise CodecError("dagjson.malformed", "an integer passes 64 bits")
    return int(text)


def _float(text: str) -> float:
    number = float(text) if len(text) <= _FLOAT_DIGITS_MAX else math.inf
    if math.isinf(number):
        raise CodecError("dagjson.malformed", "a number passes a float of 64 bits")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise CodecError("dagjson.malformed", f"{name} is no JSON")


def _require_text(value: NodeValue) -> None:
    """Refuse lone surrogates, which a JSON escape can spell and UTF-8 cannot."""
    json.dumps(value, ensure_ascii=False, default=lambda _: None).encode("utf-8")
