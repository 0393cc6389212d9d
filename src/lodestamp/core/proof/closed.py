"""Reading closed JSON: every member known, every member of its type, or a refusal that says where.

Proof and trust files share these rules and differ in the error they raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from lodestamp.core.encoding import INT_MAX, JsonObject, JsonValue, base64_decode
from lodestamp.errors import EncodingError

_is_hash: Final = re.compile(r"[0-9a-f]{64}").fullmatch

Refuse = Callable[[str, str, str], NoReturn]
"""Raises for a reason, a sentence and a JSON pointer."""


@dataclass(frozen=True, slots=True)
class ClosedReader:
    """Reads JSON values as the types a schema names; `refuse` raises what the schema's file does.

    The reasons are ``unknown_member``, ``missing_member``, ``bad_type`` and ``limit``.
    """

    refuse: Refuse

    def members(
        self,
        section: JsonObject,
        at: str,
        required: frozenset[str],
        optional: frozenset[str] = frozenset(),
    ) -> None:
        """Refuse a member nobody named, then the lack of a required one."""
        names = section.keys()
        if names == required:
            return
        if unknown := names - required - optional:
            self.refuse("unknown_member", f"no member {min(unknown)!r:.80} exists here", at)
        if missing := required - names:
            self.refuse("missing_member", f"the member {min(missing)} is missing", at)

    def object(self, value: JsonValue, at: str) -> JsonObject:
        """Read an object."""
        if not isinstance(value, dict):
            self.refuse("bad_type", "not an object", at)
        return value

    def array(
        self, value: JsonValue, at: str, maximum: int, *, minimum: int = 0
    ) -> list[JsonValue]:
        """Read an array of `minimum` to `maximum` entries."""
        if not isinstance(value, list):
            self.refuse("bad_type", "not an array", at)
        if not minimum <= len(value) <= maximum:
            self.refuse("limit", f"{len(value):,} entries, not {minimum:,} to {maximum:,}", at)
        return value

    def objects(
        self, value: JsonValue, at: str, maximum: int, *, minimum: int = 0
    ) -> tuple[JsonObject, ...]:
        """Read an array of objects."""
        items = self.array(value, at, maximum, minimum=minimum)
        return tuple(self.object(item, f"{at}/{index}") for index, item in enumerate(items))

    def string(self, value: JsonValue, at: str) -> str:
        """Read a text, which may be empty."""
        if not isinstance(value, str):
            self.refuse("bad_type", "not a text", at)
        return value

    def text(self, value: JsonValue, at: str) -> str:
        """Read a text of at least one character."""
        text = self.string(value, at)
        if not text:
            self.refuse("bad_type", "an empty text", at)
        return text

    def count(self, value: JsonValue, at: str, maximum: int = INT_MAX) -> int:
        """Read an integer from 0 to `maximum`."""
        if type(value) is not int or not 0 <= value <= maximum:
            self.refuse("bad_type", f"not an integer from 0 to {maximum:,}", at)
        return value

    def choice(self, value: JsonValue, at: str, choices: tuple[str, ...]) -> str:
        """Read one of these texts."""
        text = self.text(value, at)
        if text not in choices:
            self.refuse("bad_type", f"not one of {', '.join(choices)}", at)
        return text

    def hash_text(self, value: JsonValue, at: str) -> str:
        """Read 32 bytes in lower-case hex, as people write a block's hash or a transaction's id."""
        text = self.text(value, at)
        if not _is_hash(text):
            self.refuse("bad_type", "not 64 lower-case hex digits", at)
        return text

    def base64(self, value: JsonValue, at: str, size: int | None = None) -> bytes:
        """Read padded base64 of any bytes, or of `size` of them."""
        try:
            found = base64_decode(self.string(value, at))
        except EncodingError as error:
            self.refuse("bad_type", error.message, at)
        if size is not None and len(found) != size:
            self.refuse("bad_type", f"{len(found):,} bytes, not {size:,}", at)
        return found
