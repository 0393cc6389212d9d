"""The rules under which blocks are judged: two frozen profiles, named by one hash (R7, R23, §4.7).

`strict` is the product's reading of Open Publish: an input belongs to an owner iff a signature
proves it. `peer_compat` repeats what the original JavaScript engine computes one block at a time,
thefts included, for those who compare. Everything that may change a result is part of `rules_id`.

>>> Rules.strict("regtest").rules_id.hex()[:16]
'0a3c6d35b67cb5fa'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.bitcoin import NETWORKS, network_named
from lodestamp.core.encoding import INT_MAX, JsonObject, canonical_json, parse_canonical
from lodestamp.errors import EncodingError, RulesMismatch, UsageError

RULES_VERSION: Final = 1
"""The version that enters `rules_id`; it changes with any rule that may change a result."""

STRICT: Final = "strict"
PEER_COMPAT: Final = "peer_compat"

SEGWIT_FROM: Final[Mapping[str, int]] = MappingProxyType(
    {"main": 481_824, "test": 834_624, "testnet4": 1, "signet": 1, "regtest": 1}
)
"""The first height at which segwit version 0 inputs have owners, by network (R7)."""
TAPROOT_FROM: Final[Mapping[str, int]] = MappingProxyType(
    {"main": 709_632, "test": 2_011_968, "testnet4": 1, "signet": 1, "regtest": 1}
)
"""The first height at which taproot key path inputs have owners, by network (R7)."""

_RULES_SIZE_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Rules:
    """One profile on one network from one height on. Make it by `strict` or `peer_compat`.

    `segwit_from` and `taproot_from` are the heights from which extension E1 attributes such
    inputs (R6); None where it is off. `allow_full_transfer` is False, for good (R13).
    """

    name: str
    network: str
    start_height: int
    segwit_from: int | None
    taproot_from: int | None
    allow_full_transfer: bool = field(default=False, init=False)

    @classmethod
    def strict(cls, network: str, start_height: int = 1) -> Self:
        """Return the default profile; UsageError for an unknown network or a negative height."""
        _check(network, start_height)
        return cls(STRICT, network, start_height, SEGWIT_FROM[network], TAPROOT_FROM[network])

    @classmethod
    def peer_compat(cls, network: str, start_height: int = 1) -> Self:
        """Return the original engine's profile; UsageError as `strict`. Extension E1 is off."""
        _check(network, start_height)
        return cls(PEER_COMPAT, network, start_height, None, None)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Parse the canonical bytes of a profile that this version knows.

        RulesMismatch ``rules-unknown`` for any other: results under them cannot be checked here.
        """
        try:
            fields = parse_canonical(encoded, size_max=_RULES_SIZE_MAX)
        except EncodingError as error:
            raise _unknown(f"they are not canonical JSON: {error.message}") from error
        return cls.from_fields(fields)

    @classmethod
    def from_fields(cls, fields: JsonObject) -> Self:
        """Build a profile from the object that `fields` gives; errors as `decode`."""
        make = {STRICT: cls.strict, PEER_COMPAT: cls.peer_compat}.get(str(fields.get("name")))
        network, start = fields.get("network"), fields.get("start_height")
        if make is None or not isinstance(network, str) or type(start) is not int:
            raise _unknown("no such profile, network or height")
        if network not in NETWORKS or not 0 <= start <= INT_MAX:
            raise _unknown("no such network, or a start height out of range")
        made = make(network, start)
        try:
            is_same = canonical_json(fields) == made.encode()  # by bytes: True is no 1
        except EncodingError:
            is_same = False
        if not is_same:
            raise _unknown("their other fields are not those of the profile they name")
        return made

    @property
    def is_strict(self) -> bool:
        """Whether ownership needs a signature (R4-R8), and the other points of §4.7 hold."""
        return self.name == STRICT

    def has_segwit(self, height: int) -> bool:
        """Whether P2WPKH and P2SH-P2WPKH inputs, and such outputs, have owners at this height."""
        return self.segwit_from is not None and height >= self.segwit_from

    def has_taproot(self, height: int) -> bool:
        """Whether taproot key path inputs, and taproot outputs, have owners at this height."""
        return self.taproot_from is not None and height >= self.taproot_from

    def fields(self) -> JsonObject:
        """Return the profile as a JSON object, null where something is off (R23)."""
        return {
            "allow_full_transfer": self.allow_full_transfer,
            "name": self.name,
            "network": self.network,
            "segwit_from": self.segwit_from,
            "start_height": self.start_height,
            "taproot_from": self.taproot_from,
            "version": RULES_VERSION,
        }

    def encode(self) -> bytes:
        """Return the canonical bytes of `fields`."""
        return canonical_json(self.fields())

    @property
    def rules_id(self) -> bytes:
        """SHA-256 of the canonical bytes: 32 bytes that name everything a result rests on."""
        return sha256(self.encode()).digest()

    def __str__(self) -> str:
        return f"{self.name} on {self.network} from {self.start_height}"


def _check(network: str, start_height: int) -> None:
    network_named(network)
    if not 0 <= start_height <= INT_MAX:
        raise UsageError(f"no chain starts at height {start_height}")


def _unknown(why: str) -> RulesMismatch:
    hint = "they were written by another version, or damaged"
    return RulesMismatch(f"rules that this version does not know: {why}", "rules-unknown", hint)
