"""Public keys and the ids that name them (operations spec §3).

An Ed25519 id carries the key itself; the ids of the larger suites are a digest of it, so that no
author field is two kilobytes long. Whoever verifies those must be given the key.

>>> key = PublicKey("ed25519", bytes(32))
>>> key.key_id == "ed25519:" + "00" * 32 and PublicKey.parse_key_id(key.key_id) == key
True
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NewType, TypeGuard

from lodestamp.core.keys.suites import suite_named
from lodestamp.errors import KeyFormatError, SignatureError

KeyId = NewType("KeyId", str)
"""A suite's name, a colon, and 64 lower-case hex digits."""

_KEY_TAG: Final = b"lodestamp/key/1\n"
_ID_CARRIES_KEY: Final = "ed25519"
_is_key_id: Final = re.compile(r"(?:ed25519|mldsa65|hybrid):[0-9a-f]{64}").fullmatch


def is_key_id(value: object) -> TypeGuard[KeyId]:
    """Tell whether `value` is a text spelled exactly as a key id of a known suite."""
    return isinstance(value, str) and _is_key_id(value) is not None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A suite's name and a raw public key of that suite's size.

    KeyFormatError ``bad-suite`` for an unknown suite, ``bad-key`` for any other size. Whether the
    bytes are a point of the curve shows when they verify: such a key has no signatures.
    """

    suite: str
    raw: bytes

    def __post_init__(self) -> None:
        size = suite_named(self.suite).public_size
        if len(self.raw) != size:
            raise KeyFormatError(
                f"a public key of suite {self.suite} has {size:,} bytes, not {len(self.raw):,}"
            )

    @property
    def key_id(self) -> KeyId:
        """``ed25519:`` and the key in hex, or the suite and SHA-256 of the tagged key in hex."""
        if self.suite == _ID_CARRIES_KEY:
            return KeyId(f"{self.suite}:{self.raw.hex()}")
        tag = _KEY_TAG + self.suite.encode("ascii") + b"\n"
        return KeyId(f"{self.suite}:{sha256(tag + self.raw).hexdigest()}")

    @staticmethod
    def parse_key_id(key_id: str) -> PublicKey | None:
        """Return the key an Ed25519 id carries, None for an id that only names its key.

        KeyFormatError ``bad-key-id`` when the text is no key id.
        """
        if not is_key_id(key_id):
            raise KeyFormatError(f"{key_id[:80]!r} is not a key id", code="bad-key-id")
        suite, _colon, digits = key_id.partition(":")
        return PublicKey(suite, bytes.fromhex(digits)) if suite == _ID_CARRIES_KEY else None


Keys = Callable[[KeyId], PublicKey | None] | Mapping[KeyId, PublicKey]
"""Where the keys are found that ids of the larger suites only name."""


def find_key(key_id: KeyId, keys: Keys | None = None) -> PublicKey | None:
    """Return the public key of an id: the one it carries, else the one that `keys` has for it.

    None when `keys` has none, or one with another id. KeyFormatError when the text is no key id.
    """
    carried = PublicKey.parse_key_id(key_id)
    if carried is not None or keys is None:
        return carried
    found = keys.get(key_id) if isinstance(keys, Mapping) else keys(key_id)
    return found if found is not None and found.key_id == key_id else None


def verify(public_key: PublicKey, payload: bytes, signature: bytes) -> None:
    """Check one signature of exactly these bytes; SignatureError when it does not hold."""
    if not suite_named(public_key.suite).verify(public_key.raw, payload, signature):
        raise SignatureError(f"the signature does not verify under {public_key.key_id}")
