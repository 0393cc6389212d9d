"""What a trust file says of Bitcoin: a network, blocks of it, how much work is enough (§9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lodestamp.core.encoding import JsonValue
from lodestamp.core.proof.closed import ClosedReader
from lodestamp.core.proof.model import NETWORKS

MIN_CONFIRMATIONS: Final = 6
"""Blocks, the attested one included, as many as a proof carries by default (R70)."""

CHECKPOINTS_MAX: Final = 10_000
"""Pinned blocks: one a week for two centuries."""
WORK_LOG2_MAX: Final = 256
"""The work of the hardest target there can be, as a power of two."""
_MEMBERS: Final = frozenset({"checkpoints", "min_confirmations", "network", "work_floor_log2"})


@dataclass(frozen=True, slots=True)
class BitcoinTrust:
    """What a verifier takes for granted of Bitcoin: a network beside main, and blocks of it.

    `pins` are heights by block hash, in internal byte order, beside those of the release.
    `work_floor_log2` can raise the release's floor, never lower it. `min_confirmations` is how many
    blocks of a header store, the attested one included, must stand for it.
    """

    network: str = "main"
    pins: Mapping[bytes, int] = field(default_factory=lambda: MappingProxyType({}))
    work_floor_log2: int = 0
    min_confirmations: int = MIN_CONFIRMATIONS


BITCOIN_TRUST: Final = BitcoinTrust()
"""What holds without a trust file: main, its shipped blocks and its floor (R76)."""


def read_bitcoin(value: JsonValue, reader: ClosedReader) -> BitcoinTrust:
    """Read the section `bitcoin` of a trust file; all its members are optional."""
    section = reader.object(value, "/bitcoin")
    reader.members(section, "/bitcoin", frozenset(), _MEMBERS)
    pins: dict[bytes, int] = {}
    heights: set[int] = set()
    at = "/bitcoin/checkpoints"
    checkpoints = reader.objects(section.get("checkpoints", []), at, CHECKPOINTS_MAX)
    for index, entry in enumerate(checkpoints):
        reader.members(entry, f"{at}/{index}", frozenset({"hash", "height"}))
        height = reader.count(entry["height"], f"{at}/{index}/height")
        shown = reader.hash_text(entry["hash"], f"{at}/{index}/hash")
        block_hash = bytes.fromhex(shown)[::-1]
        if block_hash in pins or height in heights:
            reader.refuse("repeated", "a block or a height is pinned twice", f"{at}/{index}")
        pins[block_hash] = height
        heights.add(height)
    floor = section.get("work_floor_log2", 0)
    confirmations = section.get("min_confirmations", MIN_CONFIRMATIONS)
    return BitcoinTrust(
        network=reader.choice(section.get("network", "main"), "/bitcoin/network", NETWORKS),
        pins=MappingProxyType(pins),
        work_floor_log2=reader.count(floor, "/bitcoin/work_floor_log2", WORK_LOG2_MAX),
        min_confirmations=reader.count(confirmations, "/bitcoin/min_confirmations"),
    )
