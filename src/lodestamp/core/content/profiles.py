"""Profiles: every choice that decides which CID a file gets (content spec §3.6).

>>> str(get_profile(DEFAULT).chunker), get_profile("legacy-cid-v0").name
('size-1048576', 'unixfs-v0-2015')
>>> get_profile("covenant-8").override(chunker=Chunker(480)).name
'custom:{"chunker":"size-480","cid_version":1,"hash":"sha2-256","layout":"balanced",\
"max_links":8,"raw_leaves":true}'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.content.chunkers import Chunker, parse
from lodestamp.core.content.limits import LINKS_WRITTEN_MAX
from lodestamp.core.encoding import JsonObject, canonical_json, parse_canonical
from lodestamp.errors import ContentError, EncodingError, LimitExceeded

DEFAULT: Final = "unixfs-v1-2025"
"""The profile every implementation must support (IPIP-0499)."""
CUSTOM_PREFIX: Final = "custom:"
_CUSTOM_SIZE_MAX: Final = 1024
"""Bytes. The longest name of a custom profile takes a seventh of that."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a file becomes a DAG: sha2-256, balanced layout, and these choices.

    `cid_version`, 0 or 1, is that of dag-pb blocks; a raw leaf always has version 1 (R42).
    `max_links` is 2 to 32,768 children per node.
    """

    name: str
    cid_version: int
    raw_leaves: bool
    chunker: Chunker
    max_links: int

    def __post_init__(self) -> None:
        if self.cid_version not in (0, 1):
            message = f"CID version {self.cid_version} does not exist"
            raise ContentError(message, code="profile.cid-version")
        if not 2 <= self.max_links <= LINKS_WRITTEN_MAX:
            message = f"a node has 2 to {LINKS_WRITTEN_MAX:,} links, not {self.max_links:,}"
            raise ContentError(message, code="profile.max-links")

    @classmethod
    def custom(
        cls, *, cid_version: int, raw_leaves: bool, chunker: Chunker, max_links: int
    ) -> Self:
        """Return a profile named by its own fields: ``custom:`` and their canonical JSON.

        ContentError ``profile.cid-version`` or ``profile.max-links`` for a number out of range.
        """
        choices: JsonObject = {
            "chunker": str(chunker),
            "cid_version": cid_version,
            "hash": "sha2-256",
            "layout": "balanced",
            "max_links": max_links,
            "raw_leaves": raw_leaves,
        }
        name = CUSTOM_PREFIX + canonical_json(choices).decode()
        return cls(name, cid_version, raw_leaves, chunker, max_links)

    def override(
        self,
        *,
        cid_version: int | None = None,
        raw_leaves: bool | None = None,
        chunker: Chunker | None = None,
        max_links: int | None = None,
    ) -> Self:
        """Return the custom profile that differs in the given choices; errors as `custom`."""
        return self.custom(
            cid_version=self.cid_version if cid_version is None else cid_version,
            raw_leaves=self.raw_leaves if raw_leaves is None else raw_leaves,
            chunker=self.chunker if chunker is None else chunker,
            max_links=self.max_links if max_links is None else max_links,
        )


def _table(*profiles: Profile) -> Mapping[str, Profile]:
    return MappingProxyType({profile.name: profile for profile in profiles})


PROFILES: Final = _table(
    Profile(DEFAULT, 1, True, Chunker(1_048_576), 1024),
    Profile("unixfs-v0-2015", 0, False, Chunker(262_144), 174),
    Profile("legacy-cidv1", 1, True, Chunker(262_144), 174),
    Profile("legacy-cidv1-dagpb", 1, False, Chunker(262_144), 174),
    Profile("legacy-cidv0-raw", 0, True, Chunker(262_144), 174),
    # Eight links keep every inner node within the 520 bytes of a tapscript element (R65).
    Profile("covenant-8", 1, True, Chunker(262_144), 8),
    Profile("covenant-8-480", 1, True, Chunker(480), 8),
    Profile("covenant-8-512", 1, True, Chunker(512), 8),
)
"""Every named profile under its own name, the default first."""
ALIASES: Final = MappingProxyType({"legacy-cid-v0": "unixfs-v0-2015"})
"""Other names of the same profiles."""


def get_profile(name: str) -> Profile:
    """Return the profile of this name, alias, or ``custom:`` text as `Profile.custom` spells it.

    ContentError ``profile.unknown`` for any other text.
    """
    profile = PROFILES.get(ALIASES.get(name, name))
    if profile is None and name.startswith(CUSTOM_PREFIX):
        profile = _parse_custom(name)
    if profile is None:
        raise ContentError(
            f"no profile {name[:80]!r}",
            code="profile.unknown",
            hint="one of " + ", ".join(PROFILES),
        )
    return profile


def _parse_custom(name: str) -> Profile | None:
    """Return the profile a custom name spells, or None when it is not its exact spelling."""
    text = name.removeprefix(CUSTOM_PREFIX).encode("utf-8", "surrogatepass")
    try:
        choices = parse_canonical(text, size_max=_CUSTOM_SIZE_MAX, depth_max=1)
        chunker = parse(str(choices.get("chunker")))
        version, raw, links = (choices.get(k) for k in ("cid_version", "raw_leaves", "max_links"))
        if type(version) is not int or type(raw) is not bool or type(links) is not int:
            return None
        profile = Profile.custom(
            cid_version=version, raw_leaves=raw, chunker=chunker, max_links=links
        )
    except (EncodingError, ContentError, LimitExceeded):
        return None
    return profile if profile.name == name else None
