"""A home's settings: ``config.toml``, a closed schema (DESIGN §8).

::

    node = "laptop"                          the label on our own operations
    peers = ["ed25519:…"]                    keys that may read and write here over HTTP
    hosts = ["log.example.org"]              the names a listener goes by
    gateways = ["https://ipfs.example"]      where missing blocks are asked for
    kubo = "http://127.0.0.1:5001"           the kubo to push to and pull from
    pq = true                                sign and cosign checkpoints with ML-DSA-44 too
    witness = "witness.example/w1"           the name under which this node cosigns other logs
    witness_timeout_s = 1                    how long a witness may take to answer

    [calendars]                              who is asked to anchor our checkpoints; default: nobody
    urls = ["https://calendar.example"]
    needed = 2                               how many must promise; default: two, or all there are
    every_s = 60                             seconds between two checkpoints while serving

    [anchor]                                 how this home anchors in Bitcoin
    mode = "plain"                           or "chain", where OP_CAT is active
    confirmations = 6                        blocks until an anchor is final, 2 or more
    min_interval_s = 21600                   least seconds between two anchors; on regtest 0
    fee_rate_max = 50                        satoshis per virtual byte
    fee_max = 100000                         satoshis of one transaction
    birthday = 900000                        the first block that may pay the anchor's key

    [tenants]                                who may ask this node to keep content
    ann = "sha256:…"                         the address of that tenant's bearer token

    [witnesses]                              who is asked to cosign this log, and by which keys
    "https://w1.example/witness" = ["witness.example/w1+…"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from lodestamp.core.encoding import digest_of_address, is_content_address
from lodestamp.core.keys import KeyId, is_key_id
from lodestamp.core.operations import NODE_LABEL_MAX, is_node_label
from lodestamp.core.transparency import (
    COSIGNATURE_TYPES,
    ED25519_COSIGNATURE,
    VerifierKey,
    parse_vkey,
)
from lodestamp.errors import BadNote, HomeError
from lodestamp.node.anchor_settings import ANCHOR_FORM, AnchorSettings, is_anchor
from lodestamp.node.calendar_settings import (
    CALENDARS_FORM,
    CalendarSettings,
    is_calendars,
    read_calendars,
)

DEFAULT_NODE: Final = "local"
"""The node label; a host name would tell more than was asked."""
TENANTS_MAX: Final = 1_000
"""Tenants of one node: each token is compared with all of them."""
WITNESS_KEYS_MAX: Final = 24
"""Keys of all witnesses of one log: their post-quantum lines fill two thirds of a note."""
WITNESS_TIMEOUT_S_MAX: Final = 60
"""The longest wait for a witness that can be configured; the default is one second."""
_is_host: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}").fullmatch
_is_name: Final = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_is_url: Final = re.compile(r"https?://[!-~]{1,1000}").fullmatch


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``config.toml`` says; `tenants` are names with the SHA-256 of their tokens."""

    node: str = DEFAULT_NODE
    peers: tuple[KeyId, ...] = ()
    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    kubo: str | None = None
    tenants: Mapping[str, bytes] = field(default_factory=dict)
    anchor: AnchorSettings = field(default_factory=AnchorSettings)
    calendars: CalendarSettings = field(default_factory=CalendarSettings)
    pq: bool = False
    witness: str | None = None
    witness_timeout_s: int = 1
    witnesses: Mapping[str, tuple[VerifierKey, ...]] = field(default_factory=dict)


def parse_configuration(path: str, data: bytes) -> Configuration:
    """Read the settings; HomeError ``config`` for anything that is no setting of its kind."""
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise HomeError(f"{path} is not UTF-8 text", code="config") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise HomeError(f"{path} is not TOML: {error}", code="config") from error
    unknown = document.keys() - _SETTINGS.keys()
    if unknown:
        hint = f"there are {', '.join(sorted(_SETTINGS))}"
        raise HomeError(f"{path}: {min(unknown)!r} is no setting", code="config", hint=hint)
    for name, value in document.items():
        check, kind = _SETTINGS[name]
        if not check(value):
            raise HomeError(f"{path}: {name} is {kind}", code="config")
    for name in ("peers", "hosts", "gateways"):
        document[name] = tuple(document.get(name, ()))
    tenants = document.get("tenants", {})
    document["tenants"] = {name: digest_of_address(each) for name, each in tenants.items()}
    document["anchor"] = AnchorSettings(**document.get("anchor", {}))
    document["calendars"] = read_calendars(document.get("calendars", {}))
    document["witnesses"] = {
        url: tuple(map(parse_vkey, vkeys)) for url, vkeys in document.get("witnesses", {}).items()
    }
    return Configuration(**document)


def _list_of(check: Callable[[str], object]) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(each, str) and check(each) for each in value
        )

    return holds


def _is_tenants(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= TENANTS_MAX
        and all(_is_name(name) and is_content_address(each) for name, each in value.items())
    )


def _is_witness_name(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(VerifierKey(value, ED25519_COSIGNATURE, bytes(32)))
    except BadNote:
        return False


def _is_seconds(value: Any) -> bool:
    return type(value) is int and 1 <= value <= WITNESS_TIMEOUT_S_MAX


def _is_witnesses(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    keys = list[VerifierKey]()
    try:
        for url, vkeys in value.items():
            if not _is_url(url) or not isinstance(vkeys, list) or not vkeys:
                return False
            keys += map(parse_vkey, vkeys)
    except (BadNote, TypeError, AttributeError):
        return False
    known = {(key.name, key.key_id) for key in keys}
    return len(keys) == len(known) <= WITNESS_KEYS_MAX and all(
        key.key_type in COSIGNATURE_TYPES for key in keys
    )


_SETTINGS: Final[Mapping[str, tuple[Callable[[Any], object], str]]] = MappingProxyType(
    {
        "node": (is_node_label, f"a text of 1 to {NODE_LABEL_MAX} characters, none a control"),
        "peers": (_list_of(is_key_id), "a list of key ids"),
        "hosts": (_list_of(_is_host), "a list of names such as example.org"),
        "gateways": (_list_of(_is_url), "a list of URLs such as https://ipfs.example"),
        "kubo": (lambda value: isinstance(value, str) and _is_url(value), "a URL"),
        "anchor": (is_anchor, ANCHOR_FORM),
        "calendars": (is_calendars, CALENDARS_FORM),
        "pq": (lambda value: type(value) is bool, "true or false"),
        "witness": (_is_witness_name, "a name such as witness.example/w1, with no space or plus"),
        "witness_timeout_s": (_is_seconds, f"a number from 1 to {WITNESS_TIMEOUT_S_MAX}"),
        "witnesses": (
            _is_witnesses,
            f"a table of URLs, each with its vkeys; at most {WITNESS_KEYS_MAX}, none twice",
        ),
        "tenants": (_is_tenants, "a table of names, each with sha256: and 64 hex digits"),
    }
)
"""Each setting: what it must be, and how that is said."""
