"""Timestamp files by a plain writer of its own, canonical or not, and what the stock parser says.

The writer shares nothing with the product: it puts bytes together from the format's rules, so that
what it gets wrong shows as a difference to python-opentimestamps.
"""

from __future__ import annotations

import warnings
from random import Random
from unittest.mock import patch

from opentimestamps.core.serialize import (
    BytesDeserializationContext,
    BytesSerializationContext,
)
from opentimestamps.core.timestamp import DetachedTimestampFile, OpSet
from opentimestamps.core.timestamp import Timestamp as StockTimestamp

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
PENDING = bytes.fromhex("83dfe30d2ef90c8e")
HEADERS = tuple(map(bytes.fromhex, ("0588960d73d71901", "06869a0d73d71b45", "30fe8087b5c7ead7")))
URI_CHARACTERS = b"abzAZ019-._/:"
FILE_OPS = {0x08: 32, 0x02: 20, 0x03: 20, 0x67: 32}


def leb128(number: int, *, longer: int = 0) -> bytes:
    """Write a number, with so many bytes more than it needs."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F)
    groups += [0] * longer
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def sloppy(random: Random, number: int) -> bytes:
    """Write a number, now and then longer than it needs to be."""
    return leb128(number, longer=random.choice((0,) * 20 + (1, 2)))


def attestation(random: Random) -> bytes:
    """Write some attestation, most often of a known kind."""
    kind = random.randrange(6)
    if kind < 2:
        uri = bytes(random.choices(URI_CHARACTERS, k=random.randrange(30)))
        tag, payload = PENDING, sloppy(random, len(uri)) + uri
    elif kind < 5:
        height = random.choice((0, 127, 128, 358391, random.getrandbits(63)))
        tag, payload = random.choice(HEADERS), sloppy(random, height)
    else:
        tag, payload = random.randbytes(8), random.randbytes(random.randrange(20))
    return b"\x00" + tag + sloppy(random, len(payload)) + payload


def operation(random: Random) -> bytes:
    """Write some operation, most often one of those in daily use."""
    kind = random.randrange(100)
    if kind < 60:
        added = random.randbytes(random.choice((1, 4, 16, 32, 33, 130)))
        return random.choice((b"\xf0", b"\xf1")) + sloppy(random, len(added)) + added
    if kind < 92:
        return b"\x08"
    return random.choice((b"\x02", b"\x03", b"\x67", b"\xf2", b"\xf3"))


def tree(random: Random, budget: int) -> bytes:
    """Write a bare timestamp: random items, in any order, at times the same one twice."""
    left = budget - random.randrange(1, 4) if budget > 3 else 0
    items = [attestation(random) for _ in range(random.choice((0, 0, 0, 1, 1, 2)))]
    branches = random.choice((1, 1, 1, 1, 2, 3)) if budget else 0
    items += [operation(random) + tree(random, left) for _ in range(branches)]
    items = items or [attestation(random)]
    if random.random() < 0.05:
        items.append(random.choice(items))
    random.shuffle(items)
    return b"".join(b"\xff" + item for item in items[:-1]) + items[-1]


def file(random: Random) -> bytes:
    """Write a detached timestamp file."""
    tag = random.choice((0x08, 0x08, 0x08, *FILE_OPS))
    head = MAGIC + sloppy(random, 1) + bytes((tag,)) + random.randbytes(FILE_OPS[tag])
    return head + tree(random, random.randrange(12))


def mutated(random: Random, source: bytes) -> bytes:
    """Damage a file somewhere, most often behind its head."""
    at = random.randrange(len(MAGIC) if random.random() < 0.9 else 0, len(source))
    until = min(len(source), at + random.randrange(1, 40))
    match random.randrange(7):
        case 0:
            return source[:at] + bytes((source[at] ^ 1 << random.randrange(8),)) + source[at + 1 :]
        case 1:
            return source[:at] + source[until:]
        case 2:
            return source[:at] + random.randbytes(1) + source[at:]
        case 3:
            return source[:until] + source[at:until] + source[until:]
        case 4:
            return source[:at]
        case 5:
            return source + random.randbytes(random.randrange(1, 4))
        case _:
            marks = bytes((random.choice((0x00, 0xFF, 0xF0, 0xF1, 0x08, 0xF3)),))
            return source[:at] + marks + source[at + 1 :]


def stock_parse(source: bytes) -> DetachedTimestampFile | None:
    """Return what python-opentimestamps reads, or None when it refuses in whatever way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return DetachedTimestampFile.deserialize(BytesDeserializationContext(source))
        except Exception:  # noqa: BLE001 - it refuses with errors of many kinds
            return None


def stock_forgets(source: bytes) -> bool:
    """Tell whether an operation stands twice in one timestamp: stock keeps only the last."""
    twice = []
    put = OpSet.__setitem__

    def noting(found: OpSet, op: object, below: StockTimestamp) -> None:
        twice.extend([op] if op in found else [])
        put(found, op, below)

    with patch.object(OpSet, "__setitem__", noting):
        stock_parse(source)
    return bool(twice)


def stock_encode(value: DetachedTimestampFile | StockTimestamp) -> bytes:
    """Return the bytes that python-opentimestamps writes."""
    context = BytesSerializationContext()
    value.serialize(context)
    return context.getbytes()
