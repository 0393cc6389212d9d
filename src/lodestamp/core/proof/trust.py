"""The trust file: what a verifier takes for granted, said once and in the open (spec §9.2).

A closed JSON object, ``version`` 1. `logs` pins the keys of a log, `authors` the keys of people;
`require` names legs that must be established, and `unpinned` says whether a key that nothing pins
leaves its leg ``unknown`` (the default) or may speak for itself (``self_asserted``).

`witnesses` names witnesses and how many of them it takes: by a policy text, or as `k` of `of`.
`bitcoin` accepts a network beside main, pins blocks of it and raises the work that speaks for
itself. `ledgers` is read and held to its schema, but has no effect yet: the leg ``ledger`` is never
established by this version, with or without it.

An author is pinned by key id, or by DID: then the proof must carry key operations by which the key
is in force for it. Pinned authors are also the roots from which chains of capabilities may begin.

>>> Trust.parse(b'{"version": 1, "require": ["log"]}').unpinned
<Unpinned.UNKNOWN: 'unknown'>
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NoReturn, Self

from lodestamp.core.encoding import JsonObject, JsonValue, canonical_json
from lodestamp.core.keys import is_key_id
from lodestamp.core.proof.bitcoin_trust import BITCOIN_TRUST, BitcoinTrust, read_bitcoin
from lodestamp.core.proof.closed import ClosedReader
from lodestamp.core.proof.model import LEGS
from lodestamp.core.transparency import (
    COSIGNATURE_TYPES,
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    Policy,
    VerifierKey,
    parse_policy,
    parse_vkey,
    threshold_policy,
)
from lodestamp.errors import BadNote, EncodingError, TrustError

TRUST_SIZE_MAX: Final = 1 << 20
"""Bytes of a trust file: it is written by hand, and this is ten thousand pinned keys."""
TRUST_DEPTH_MAX: Final = 8
"""Open containers; the schema needs four."""
PINS_MAX: Final = 10_000
"""Entries of any list in it."""

_LEDGER_KINDS: Final = ("genesis", "header", "validators")
_LOG_KEYS: Final = frozenset({ED25519_NOTE, MLDSA44_COSIGNATURE})
_is_did: Final = re.compile(r"did:pn:(?:human|agent|org):[0-9a-f]{64}").fullmatch


class Unpinned(StrEnum):
    """What becomes of a leg that holds, but only by a key that nothing pins."""

    UNKNOWN = "unknown"
    SELF_ASSERTED = "self_asserted"


@dataclass(frozen=True, slots=True)
class LogPin:
    """The keys with which a log signs, and no others. At least one is an Ed25519 note key."""

    origin: str
    vkeys: tuple[VerifierKey, ...]


@dataclass(frozen=True, slots=True)
class AuthorPin:
    """A key id or DID that is trusted to be its author's, and what its owner calls it."""

    id: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust file as values."""

    logs: tuple[LogPin, ...] = ()
    authors: tuple[AuthorPin, ...] = ()
    require: frozenset[str] = frozenset()
    unpinned: Unpinned = Unpinned.UNKNOWN
    witnesses: Policy | None = None
    ledgers: tuple[JsonObject, ...] = ()
    bitcoin: BitcoinTrust = BITCOIN_TRUST

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a trust file: JSON in any layout, since people write it.

        TrustError with a code ``trust.*``: ``too_large not_utf8 not_json unknown_member
        missing_member bad_type limit repeated``, or ``unsupported`` for another version.
        """
        top = _parse_json(data)
        version = top.get("version")
        if type(version) is int and version != 1:
            _refuse("unsupported", f"version {version} is not known here", "/version")
        _read.members(top, "", frozenset({"version"}), _TOP_OPTIONAL)
        if version != 1 or type(version) is not int:
            _refuse("bad_type", "not the integer 1", "/version")
        return cls(
            logs=_read_logs(top.get("logs", [])),
            authors=_read_authors(top.get("authors", [])),
            require=_read_require(top.get("require", [])),
            unpinned=Unpinned(
                _read.choice(top.get("unpinned", "unknown"), "/unpinned", tuple(Unpinned))
            ),
            witnesses=_read_witnesses(top["witnesses"]) if "witnesses" in top else None,
            ledgers=_read_ledgers(top.get("ledgers", [])),
            bitcoin=read_bitcoin(top.get("bitcoin", {}), _read),
        )

    def log(self, origin: str) -> LogPin | None:
        """Return the pin of this log, or None."""
        return next((pin for pin in self.logs if pin.origin == origin), None)

    def author(self, key_id: str) -> AuthorPin | None:
        """Return the pin of this author, or None."""
        return next((pin for pin in self.authors if pin.id == key_id), None)


def _refuse(reason: str, message: str, at: str = "") -> NoReturn:
    where = f" (at {at})" if at else ""
    raise TrustError(f"the trust file: {message}{where}", code=f"trust.{reason}")


_read: Final = ClosedReader(_refuse)
_TOP_OPTIONAL: Final = frozenset(
    {"authors", "bitcoin", "ledgers", "logs", "require", "unpinned", "witnesses"}
)
_VALUE_CODES: Final = MappingProxyType({"too-deep": "limit", "too-large": "too_large"})


def _parse_json(data: bytes) -> JsonObject:
    if len(data) > TRUST_SIZE_MAX:
        _refuse("too_large", f"{len(data):,} bytes, more than {TRUST_SIZE_MAX:,}")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
        canonical_json(value, depth_max=TRUST_DEPTH_MAX)
    except UnicodeDecodeError:
        _refuse("not_utf8", "not UTF-8")
    except (ValueError, RecursionError):
        _refuse("not_json", "not JSON")
    except EncodingError as error:
        _refuse(_VALUE_CODES.get(error.code, "bad_type"), error.message)
    return _read.object(value, "")


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("repeated", "an object names a member twice")
    return members


def _read_logs(value: JsonValue) -> tuple[LogPin, ...]:
    pins: dict[str, LogPin] = {}
    for index, entry in enumerate(_read.objects(value, "/logs", PINS_MAX)):
        at = f"/logs/{index}"
        _read.members(entry, at, frozenset({"origin", "vkeys"}))
        origin = _read.text(entry["origin"], f"{at}/origin")
        vkeys = _read_vkeys(entry["vkeys"], f"{at}/vkeys", _LOG_KEYS)
        if any(vkey.name != origin for vkey in vkeys):
            _refuse("bad_type", "a key of a log bears the log's origin as its name", at)
        if all(vkey.key_type != ED25519_NOTE for vkey in vkeys):
            _refuse("bad_type", "a log is pinned by at least one Ed25519 key (type 01)", at)
        if origin in pins:
            _refuse("repeated", "this origin is pinned twice; list all its keys once", at)
        pins[origin] = LogPin(origin, vkeys)
    return tuple(pins.values())


def _read_vkeys(value: JsonValue, at: str, types: frozenset[int]) -> tuple[VerifierKey, ...]:
    vkeys: list[VerifierKey] = []
    for index, text in enumerate(_read.array(value, at, PINS_MAX, minimum=1)):
        try:
            vkey = parse_vkey(_read.text(text, f"{at}/{index}"))
        except BadNote as error:
            _refuse("bad_type", error.message, f"{at}/{index}")
        if vkey.key_type not in types:
            _refuse("bad_type", "a key of a type that has no place here", f"{at}/{index}")
        vkeys.append(vkey)
    if len(set(vkeys)) != len(vkeys):
        _refuse("repeated", "a key stands here twice", at)
    return tuple(vkeys)


def _read_authors(value: JsonValue) -> tuple[AuthorPin, ...]:
    pins: dict[str, AuthorPin] = {}
    for index, entry in enumerate(_read.objects(value, "/authors", PINS_MAX)):
        at = f"/authors/{index}"
        _read.members(entry, at, frozenset({"id"}), frozenset({"label"}))
        author = _read.text(entry["id"], f"{at}/id")
        if not is_key_id(author) and not _is_did(author):
            _refuse("bad_type", "neither a key id nor a DID", f"{at}/id")
        if author in pins:
            _refuse("repeated", "this author is pinned twice", at)
        label = _read.text(entry["label"], f"{at}/label") if "label" in entry else None
        pins[author] = AuthorPin(author, label)
    return tuple(pins.values())


def _read_require(value: JsonValue) -> frozenset[str]:
    legs = [
        _read.choice(leg, f"/require/{index}", LEGS)
        for index, leg in enumerate(_read.array(value, "/require", len(LEGS)))
    ]
    if len(set(legs)) != len(legs):
        _refuse("repeated", "a leg is required twice", "/require")
    return frozenset(legs)


def _read_witnesses(value: JsonValue) -> Policy:
    section = _read.object(value, "/witnesses")
    try:
        if "policy" in section:
            _read.members(section, "/witnesses", frozenset({"policy"}))
            return parse_policy(_read.text(section["policy"], "/witnesses/policy"))
        _read.members(section, "/witnesses", frozenset({"k", "of"}))
        vkeys = _read_vkeys(section["of"], "/witnesses/of", COSIGNATURE_TYPES)
        threshold = _read.count(section["k"], "/witnesses/k", len(vkeys))
        if threshold == 0:
            _refuse("bad_type", "a quorum of none trusts nobody", "/witnesses/k")
        return threshold_policy(threshold, vkeys)
    except TrustError as error:
        if error.code != "bad-policy":
            raise
        _refuse("bad_type", error.message, "/witnesses")


def _read_ledgers(value: JsonValue) -> tuple[JsonObject, ...]:
    entries = _read.objects(value, "/ledgers", PINS_MAX)
    for index, entry in enumerate(entries):
        at = f"/ledgers/{index}"
        required = frozenset({"chain_id", "hash", "height", "kind"})
        _read.members(entry, at, required, frozenset({"time", "trusting_period_s"}))
        _read.text(entry["chain_id"], f"{at}/chain_id")
        _read.choice(entry["kind"], f"{at}/kind", _LEDGER_KINDS)
        _read.hash_text(entry["hash"], f"{at}/hash")
        for name in ("height", "time", "trusting_period_s"):
            _read.count(entry.get(name, 0), f"{at}/{name}")
    return entries
