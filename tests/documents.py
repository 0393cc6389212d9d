"""Random documents of the integer-only value space: one seed, one sequence, fast to make.

Keys and texts come from a pool that holds what canonical forms stumble over: characters beyond
U+FFFF beside ones just below it (UTF-16 and code-point order differ there), control characters,
quotes, backslashes, DEL, U+2028, the edges of the surrogate range, and unnormalised accents.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from lodestamp.core.encoding import INT_MAX, JsonObject, JsonValue

_EDGES = (
    "", "a", "A", "0", "é", "e\u0301", "\x00", "\x08", "\t", "\n", "\x0b", "\x0c", "\r", "\x1f",
    '"', "\\", "/", "\x7f", "\x80", "\u2028", "\ud7ff", "\ue000", "\uff61", "\uffff", "\U00010000",
    "😀", "\U0010ffff",
)  # fmt: skip
_INTEGERS = (0, 1, -1, 9, 10, 255, 2**31, -(2**31), 2**32, INT_MAX, -INT_MAX)
_DEPTH = 6


def documents(seed: int, count: int) -> Iterator[JsonObject]:
    """Yield `count` objects, 1 to about 60 items each, the same for the same seed."""
    random = Random(seed)
    texts = _texts(random)
    for _ in range(count):
        size = 1 + int(random.random() * 8)
        yield {random.choice(texts): _value(random, texts, _DEPTH) for _ in range(size)}


def _texts(random: Random) -> list[str]:
    """Return a pool of texts: each edge alone, and mixtures of up to eight of them."""
    mixtures = ["".join(random.choices(_EDGES, k=random.randint(1, 8))) for _ in range(400)]
    words = [f"field_{number}" for number in range(40)]
    return [*_EDGES, *words, *mixtures]


def _object(random: Random, texts: list[str], depth: int) -> JsonObject:
    size = int(random.random() ** 2 * 7)
    return {random.choice(texts): _value(random, texts, depth - 1) for _ in range(size)}


def _value(random: Random, texts: list[str], depth: int) -> JsonValue:
    draw = random.random()
    if draw < 0.45:
        return random.choice(texts)
    if draw < 0.6:
        return random.choice(_INTEGERS)
    if draw < 0.7 or depth <= 0:
        return (True, False, None)[int(random.random() * 3)]
    if draw < 0.85:
        return _object(random, texts, depth)
    return [_value(random, texts, depth - 1) for _ in range(int(random.random() * 5))]
