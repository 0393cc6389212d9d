"""Profiles: every choice that decides which CID content gets (content spec §3.6).

>>> str(get_profile(DEFAULT).chunker), get_profile("legacy-cid-v0").name
('size-1048576', 'unixfs-v0-2015')
>>> get_profile("covenant-8").override(chunker=Chunker(480)).name
'custom:{"chunker":"size-480","cid_version":1,"hash":"sha2-256","layout":"balanced",\
"max_links":8,"raw_leaves":true}'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.content.chunkers import AnyChunker, Chunker, parse
from lodestamp.core.content.limits import BLOCK_SIZE_MAX, LINKS_WRITTEN_MAX
from lodestamp.core.encoding import HashCode, JsonObject, canonical_json, parse_canonical
from lodestamp.errors import ContentError, EncodingError, LimitExceeded

DEFAULT: Final = "unixfs-v1-2025"
"""The profile every implementation must support (IPIP-0499)."""
CUSTOM_PREFIX: Final = "custom:"
HAMT_THRESHOLD: Final = 262_144
"""Bytes. A directory whose estimated size is greater becomes a HAMT (R51)."""
_HAMT_THRESHOLD_MAX: Final = BLOCK_SIZE_MAX // 2
"""Bytes. A flat block takes at most half as much again as the lower of its two estimates."""
_CUSTOM_SIZE_MAX: Final = 1024
"""Bytes. The longest name of a custom profile takes a quarter of that."""


class LayoutName(StrEnum):
    """How the leaves of a file become a tree (R40, R41)."""

    BALANCED = "balanced"
    TRICKLE = "trickle"


class HamtEstimate(StrEnum):
    """How a directory's size is estimated before it becomes a HAMT (R51).

    ``links-bytes`` adds the lengths of names and CIDs; ``block-bytes`` is the length of the block
    that the flat directory would be, mode and mtime included.
    """

    LINKS_BYTES = "links-bytes"
    BLOCK_BYTES = "block-bytes"


HASH_NAMES: Final = MappingProxyType(
    {
        "sha2-256": HashCode.SHA2_256,
        "sha2-512": HashCode.SHA2_512,
        "blake2b-256": HashCode.BLAKE2B_256,
        "blake3": HashCode.BLAKE3,
    }
)
"""The hash functions that a profile may write, by the names of the multicodec table (R6)."""
_NAMES_OF_HASHES: Final = MappingProxyType({code: name for name, code in HASH_NAMES.items()})


@dataclass(frozen=True, slots=True)
class Profile:
    """How content becomes a DAG, by these choices.

    `cid_version`, 0 or 1, is that of dag-pb blocks; a raw leaf always has version 1 (R42).
    `max_links` is 2 to 32,768 children per file node. `hash_code` is one of `HASH_NAMES`, for
    version 0 always sha2-256. `hamt_threshold` is 0 to 1 MiB.
    """

    name: str
    cid_version: int
    raw_leaves: bool
    chunker: AnyChunker
    max_links: int
    hamt_estimate: HamtEstimate = HamtEstimate.BLOCK_BYTES
    layout: LayoutName = LayoutName.BALANCED
    hash_code: HashCode = HashCode.SHA2_256
    hamt_threshold: int = HAMT_THRESHOLD

    def __post_init__(self) -> None:
        if self.cid_version not in (0, 1):
            message = f"CID version {self.cid_version} does not exist"
            raise ContentError(message, code="profile.cid-version")
        if not 2 <= self.max_links <= LINKS_WRITTEN_MAX:
            message = f"a node has 2 to {LINKS_WRITTEN_MAX:,} links, not {self.max_links:,}"
            raise ContentError(message, code="profile.max-links")
        if self.hash_code not in _NAMES_OF_HASHES:
            raise ContentError("no profile writes this hash function", code="profile.hash")
        if self.cid_version == 0 and self.hash_code != HashCode.SHA2_256:
            raise ContentError("a CIDv0 is always sha2-256", code="profile.hash")
        if not 0 <= self.hamt_threshold <= _HAMT_THRESHOLD_MAX:
            message = f"a HAMT threshold is 0 to {_HAMT_THRESHOLD_MAX:,} bytes"
            raise ContentError(message, code="profile.hamt-threshold")

    @classmethod
    def custom(
        cls,
        *,
        cid_version: int,
        raw_leaves: bool,
        chunker: AnyChunker,
        max_links: int,
        hamt_estimate: HamtEstimate = HamtEstimate.BLOCK_BYTES,
        layout: LayoutName = LayoutName.BALANCED,
        hash_code: HashCode = HashCode.SHA2_256,
        hamt_threshold: int = HAMT_THRESHOLD,
    ) -> Self:
        """Return a profile named by its own fields: ``custom:`` and their canonical JSON.

        ContentError ``profile.cid-version``, ``.max-links``, ``.hash`` or ``.hamt-threshold`` for
        a choice out of range.
        """
        profile = cls(
            "",
            cid_version,
            raw_leaves,
            chunker,
            max_links,
            hamt_estimate,
            layout,
            hash_code,
            hamt_threshold,
        )
        return replace(profile, name=CUSTOM_PREFIX + canonical_json(_choices(profile)).decode())

    def override(
        self,
        *,
        cid_version: int | None = None,
        raw_leaves: bool | None = None,
        chunker: AnyChunker | None = None,
        max_links: int | None = None,
        hamt_estimate: HamtEstimate | None = None,
        layout: LayoutName | None = None,
        hash_code: HashCode | None = None,
        hamt_threshold: int | None = None,
    ) -> Self:
        """Return the custom profile that differs in the given choices; errors as `custom`."""
        return self.custom(
            cid_version=self.cid_version if cid_version is None else cid_version,
            raw_leaves=self.raw_leaves if raw_leaves is None else raw_leaves,
            chunker=self.chunker if chunker is None else chunker,
            max_links=self.max_links if max_links is None else max_links,
            hamt_estimate=self.hamt_estimate if hamt_estimate is None else hamt_estimate,
            layout=self.layout if layout is None else layout,
            hash_code=self.hash_code if hash_code is None else hash_code,
            hamt_threshold=self.hamt_threshold if hamt_threshold is None else hamt_threshold,
        )


def _choices(profile: Profile) -> JsonObject:
    """Return what a custom name spells; what concerns directories only where it is not usual."""
    choices: JsonObject = {
        "chunker": str(profile.chunker),
        "cid_version": profile.cid_version,
        "hash": _NAMES_OF_HASHES[profile.hash_code],
        "layout": str(profile.layout),
        "max_links": profile.max_links,
        "raw_leaves": profile.raw_leaves,
    }
    if profile.hamt_estimate != HamtEstimate.BLOCK_BYTES:
        choices["hamt_estimate"] = str(profile.hamt_estimate)
    if profile.hamt_threshold != HAMT_THRESHOLD:
        choices["hamt_threshold"] = profile.hamt_threshold
    return choices


def _table(*profiles: Profile) -> Mapping[str, Profile]:
    return MappingProxyType({profile.name: profile for profile in profiles})


_LINKS: Final = HamtEstimate.LINKS_BYTES
PROFILES: Final = _table(
    Profile(DEFAULT, 1, True, Chunker(1_048_576), 1024),
    Profile("unixfs-v0-2015", 0, False, Chunker(262_144), 174, _LINKS),
    Profile("legacy-cidv1", 1, True, Chunker(262_144), 174, _LINKS),
    Profile("legacy-cidv1-dagpb", 1, False, Chunker(262_144), 174, _LINKS),
    Profile("legacy-cidv0-raw", 0, True, Chunker(262_144), 174, _LINKS),
    # Eight links keep every inner node within the 520 bytes of a tapscript element (R65).
    Profile("covenant-8", 1, True, Chunker(262_144), 8),
    Profile("covenant-8-480", 1, True, Chunker(480), 8),
    Profile("covenant-8-512", 1, True, Chunker(512), 8),
)
"""Every named profile under its own name, the default first."""
ALIASES: Final = MappingProxyType({"legacy-cid-v0": "unixfs-v0-2015"})
"""Other names of the same profiles."""


def get_profile(name: str, *, experimental: bool = False) -> Profile:
    """Return the profile of this name, alias, or ``custom:`` text as `Profile.custom` spells it.

    ContentError ``profile.unknown`` for any other text, and for an `experimental` chunker where
    none was asked for.
    """
    profile = PROFILES.get(ALIASES.get(name, name))
    if profile is None and name.startswith(CUSTOM_PREFIX):
        profile = _parse_custom(name, experimental=experimental)
    if profile is None:
        raise ContentError(
            f"no profile {name[:80]!r}",
            code="profile.unknown",
            hint="one of " + ", ".join(PROFILES),
        )
    return profile


def _parse_custom(name: str, *, experimental: bool) -> Profile | None:
    """Return the profile a custom name spells, or None when it is not its exact spelling."""
    text = name.removeprefix(CUSTOM_PREFIX).encode("utf-8", "surrogatepass")
    try:
        choices = parse_canonical(text, size_max=_CUSTOM_SIZE_MAX, depth_max=1)
        chunker = parse(str(choices.get("chunker")), experimental=experimental)
        version, raw, links = (choices.get(k) for k in ("cid_version", "raw_leaves", "max_links"))
        threshold = choices.get("hamt_threshold", HAMT_THRESHOLD)
        if type(version) is not int or type(raw) is not bool or type(links) is not int:
            return None
        if type(threshold) is not int:
            return None
        profile = Profile.custom(
            cid_version=version,
            raw_leaves=raw,
            chunker=chunker,
            max_links=links,
            hamt_estimate=HamtEstimate(str(choices.get("hamt_estimate", HamtEstimate.BLOCK_BYTES))),
            layout=LayoutName(str(choices.get("layout"))),
            hash_code=HASH_NAMES[str(choices.get("hash"))],
            hamt_threshold=threshold,
        )
    except (EncodingError, ContentError, LimitExceeded, ValueError, KeyError):
        return None
    return profile if profile.name == name else None
