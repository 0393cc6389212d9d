"""A home's settings: ``config.toml``, a closed schema (DESIGN §8).

::

    node = "laptop"                          the label on our own operations
    peers = ["ed25519:…"]                    keys that may read and write here over HTTP
    hosts = ["log.example.org"]              the names a listener goes by
    gateways = ["https://ipfs.example"]      where missing blocks are asked for
    kubo = "http://127.0.0.1:5001"           the kubo to push to and pull from

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
from lodestamp.errors import HomeError

DEFAULT_NODE: Final = "local"
"""The node label; a host name would tell more than was asked."""
TENANTS_MAX: Final = 1_000
"""Tenants of one node: each token is compared with all of them."""
EVERY_S_DEFAULT: Final = 60
"""Seconds between two checkpoints handed to calendars: what is sealed meanwhile the next covers."""
EVERY_S_MAX: Final = 7 * 86_400
"""A week: a longer silence is rather a missing calendar."""
NEEDED_DEFAULT: Final = 2
"""Calendars that must promise, or all where there are fewer: one alone may vanish."""
NAMED_CALENDARS_MAX: Final = 16
"""Calendars that a checkpoint goes to: each is a connection of its own."""
_is_host: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}").fullmatch
_is_name: Final = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch
_is_url: Final = re.compile(r"https?://[!-~]{1,1000}").fullmatch


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """The calendars that checkpoints go to, how many must promise, and how often one goes."""

    urls: tuple[str, ...] = ()
    needed: int = NEEDED_DEFAULT
    every_s: int = EVERY_S_DEFAULT


@dataclass(frozen=True, slots=True)
class AnchorSettings:
    """How this home anchors in Bitcoin; None where the network or the anchorer has its default."""

    mode: str = "plain"
    confirmations: int | None = None
    min_interval_s: int | None = None
    fee_rate_max: int | None = None
    fee_max: int | None = None
    birthday: int | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``config.toml`` says; `tenants` are names with the SHA-256 of their tokens."""

    node: str = DEFAULT_NODE
    peers: tuple[KeyId, ...] = ()
    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    kubo: str | None = None
    tenants: Mapping[str, bytes] = field(default_factory=dict)
    calendars: CalendarSettings = CalendarSettings()
    anchor: AnchorSettings = AnchorSettings()


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
    if "calendars" in document:
        calendars = document["calendars"]
        urls = tuple(calendars.get("urls", ()))
        document["calendars"] = CalendarSettings(**{**calendars, "urls": urls})
    if "anchor" in document:
        document["anchor"] = AnchorSettings(**document["anchor"])
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


def _is_calendars(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() - {"urls", "needed", "every_s"}:
        return False
    urls = value.get("urls", [])
    return (
        _list_of(_is_url)(urls)
        and len(urls) <= NAMED_CALENDARS_MAX
        and type(value.get("needed", 1)) is int
        and 1 <= value.get("needed", 1) <= max(1, len(urls))
        and type(value.get("every_s", 1)) is int
        and 1 <= value.get("every_s", 1) <= EVERY_S_MAX
    )


_ANCHOR_BOUNDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "confirmations": (2, 200),
        "min_interval_s": (0, 30 * 86_400),
        "fee_rate_max": (1, 10_000),
        "fee_max": (154, 10_000_000),
        "birthday": (0, (1 << 31) - 1),
    }
)
"""Least and most of each number under ``[anchor]``."""


def _is_anchor(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("mode", "plain") not in {"plain", "chain"}:
        return False
    numbers = {name: each for name, each in value.items() if name != "mode"}
    return not numbers.keys() - _ANCHOR_BOUNDS.keys() and all(
        type(each) is int and _ANCHOR_BOUNDS[name][0] <= each <= _ANCHOR_BOUNDS[name][1]
        for name, each in numbers.items()
    )


_SETTINGS: Final[Mapping[str, tuple[Callable[[Any], object], str]]] = MappingProxyType(
    {
        "node": (is_node_label, f"a text of 1 to {NODE_LABEL_MAX} characters, none a control"),
        "peers": (_list_of(is_key_id), "a list of key ids"),
        "hosts": (_list_of(_is_host), "a list of names such as example.org"),
        "gateways": (_list_of(_is_url), "a list of URLs such as https://ipfs.example"),
        "kubo": (lambda value: isinstance(value, str) and _is_url(value), "a URL"),
        "anchor": (
            _is_anchor,
            'a table of mode ("plain" or "chain") and numbers: '
            + ", ".join(f"{name} {low} to {high}" for name, (low, high) in _ANCHOR_BOUNDS.items()),
        ),
        "calendars": (
            _is_calendars,
            f"a table of urls (at most {NAMED_CALENDARS_MAX}), needed (1 to as many) and every_s",
        ),
        "tenants": (_is_tenants, "a table of names, each with sha256: and 64 hex digits"),
    }
)
"""Each setting: what it must be, and how that is said."""
