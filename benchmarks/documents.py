"""Small JSON documents of the integer-only value space, the same for every run.

Not the generator of the tests, whose documents nearly all go beyond U+FFFF: here it can be said
whether they do, because the two kinds take different ways and are timed apart.

Texts and keys come from pools made of everything that canonical JSON has a rule for: escapes,
control characters, line separators, letters of two, three and four UTF-8 bytes, and keys on both
sides of U+FFFF, where the order by UTF-16 units and the order by code points part.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from benchmarks.table import SEED
from lodestamp.core.encoding import INT_MAX, JsonObject, JsonValue

_ASCII: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. /:"
_ESCAPED: Final = '"\\\b\f\n\r\t\x00\x01\x1f\x7f'
_WIDE: Final = "éßñşЖλאمकあ漢한\u0080\u2028\u2029\ue000\ufb33\ufffd\uffff"
_ASTRAL: Final = "\U00010000\U0001d518\U0001f600\U0001f701\U0001f9ed\U000e0001\U0010fffd\U0010ffff"
_INTEGERS: Final = (0, 1, -1, 9, 10, 255, 2**31, -(2**31), 2**32, INT_MAX, -INT_MAX)
_POOL_SIZE: Final = 2_000
_DEPTH_MAX: Final = 3


class Documents:
    """An endless source of small documents, 40 to 150 bytes each.

    `with_astral` says whether characters beyond U+FFFF occur, in keys and in texts: then in about
    one document of five.
    """

    def __init__(self, *, with_astral: bool, seed: int = SEED) -> None:
        self._draw = random.Random(seed)
        self._keys = self._pool(8, with_astral=with_astral)
        self._texts = self._pool(24, with_astral=with_astral)

    def __iter__(self) -> Iterator[JsonObject]:
        while True:
            yield self._object(0)

    def take(self, count: int) -> list[JsonObject]:
        """Return the next `count` documents."""
        return list(islice(self, count))

    def _pool(self, length_max: int, *, with_astral: bool) -> Sequence[str]:
        alphabets = [_ASCII] * 12 + [_ASCII + _ESCAPED, _WIDE, _ASCII + _WIDE]
        if with_astral:
            alphabets.append(_ASCII + _WIDE + _ASTRAL * 4)
        return [
            "".join(self._draw.choices(self._draw.choice(alphabets), k=length))
            for length in self._draw.choices(range(length_max + 1), k=_POOL_SIZE)
        ]

    def _object(self, depth: int) -> JsonObject:
        keys = self._draw.choices(self._keys, k=self._below(6))
        return {key: self._value(depth) for key in keys}

    def _value(self, depth: int) -> JsonValue:
        kind = self._below(16)
        if kind < 8:
            return self._texts[self._below(_POOL_SIZE)]
        if kind < 11:
            return self._below(1 << 40)
        if kind < 12:
            return self._draw.choice(_INTEGERS)
        if kind < 13:
            return (True, False, None)[self._below(3)]
        if depth == _DEPTH_MAX:
            return []
        if kind < 15:
            return self._object(depth + 1)
        return [self._value(depth + 1) for _ in range(self._below(5))]

    def _below(self, bound: int) -> int:
        return int(self._draw.random() * bound)


def is_astral(data: bytes) -> bool:
    """Tell whether UTF-8 bytes hold a character beyond U+FFFF."""
    return not data.isascii() and max(data) >= 0xF0
