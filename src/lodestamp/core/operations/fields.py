"""The checks that closed schemas are written in: one per kind of field.

Each takes a value and its name within the body, such as ``cap/issuer``, and raises OpError
``bad-body`` with a JSON pointer to it. The pointer is spelled only when something is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from lodestamp.core.encoding import INT_MAX, base64_decode, is_content_address, json_pointer
from lodestamp.core.keys import is_did, is_key_id
from lodestamp.core.operations.limits import CONFIDENCE_BP_MAX, SOURCES_MAX
from lodestamp.errors import EncodingError, OpError

Check = Callable[[Any, str], None]
Schema = Mapping[str, tuple[Check, bool]]
"""Each field's name: how its value is checked, and whether it must be there."""

ED25519: Final = "ed25519:"
"""The prefix of the only key ids that version 1 knows."""


def refuse(message: str, name: str) -> NoReturn:
    """Refuse a field; its name is slashed within the body, and empty for the body itself."""
    raise OpError("bad-body", message, at=f"/body/{name}" if name else "/body") from None


def check_object(schema: Schema, value: object, name: str, what: str) -> None:
    """Check that `value` is an object of exactly the fields of `schema`."""
    if type(value) is not dict:
        refuse(f"{what} is not an object", name)
    prefix = f"{name}/" if name else ""
    for field, (check, required) in schema.items():
        if field in value:
            check(value[field], prefix + field)
        elif required:
            refuse("a field is missing", prefix + field)
    if not value.keys() <= schema.keys():
        extra = json_pointer(min(value.keys() - schema.keys()))
        at = f"/body/{name}{extra}" if name else f"/body{extra}"
        raise OpError("bad-body", f"{what} has no such field", at=at)


def closed(schema: Schema, what: str) -> Check:
    """Return the check of an object inside a body."""

    def check(value: object, name: str) -> None:
        check_object(schema, value, name, what)

    return check


def any_value(_value: object, _name: str) -> None:
    """Accept every value: whatever parsed is inside the value space already."""


def a_text(value: object, name: str) -> None:
    """Accept a text that is not empty."""
    if type(value) is not str or not value:
        refuse("not a text, or an empty one", name)


def an_object(value: object, name: str) -> None:
    """Accept any object."""
    if type(value) is not dict:
        refuse("not an object", name)


def a_count(value: object, name: str) -> None:
    """Accept an integer from 0 to 2^53-1: a number of things, or Unix seconds."""
    if type(value) is not int or not 0 <= value <= INT_MAX:
        refuse("not an integer from 0 to 2^53-1", name)


def a_confidence(value: object, name: str) -> None:
    """Accept basis points, 0 to 10,000."""
    if type(value) is not int or not 0 <= value <= CONFIDENCE_BP_MAX:
        refuse("not an integer from 0 to 10,000", name)


def an_address(value: object, name: str) -> None:
    """Accept a content address: the id of an operation or a capability, or a root."""
    if not is_content_address(value):
        refuse("not a sha256 content address", name)


def a_key_id(value: object, name: str) -> None:
    """Accept the id of a key of any suite."""
    if not is_key_id(value):
        refuse("not a key id", name)


def an_ed25519_id(value: object, name: str) -> None:
    """Accept the id of an Ed25519 key."""
    if not is_key_id(value) or not value.startswith(ED25519):
        refuse("not an ed25519 key id", name)


def a_principal(value: object, name: str) -> None:
    """Accept a key id or a ``did:pn`` identifier."""
    if not is_key_id(value) and not is_did(value):
        refuse("not a key id or did:pn identifier", name)


def sources(value: object, name: str) -> None:
    """Accept up to 1,024 different operation ids, in any order."""
    if type(value) is not list:
        refuse("not an array", name)
    if len(value) > SOURCES_MAX:
        refuse(f"{len(value):,} sources, more than {SOURCES_MAX:,}", name)
    seen: set[str] = set()
    for index, source in enumerate(value):
        if not is_content_address(source):
            refuse("not an operation id", f"{name}/{index}")
        if source in seen:
            refuse("the same source twice", f"{name}/{index}")
        seen.add(source)


def or_null(check: Check) -> Check:
    """Return the check of a field that may be null."""

    def check_or_null(value: object, name: str) -> None:
        if value is not None:
            check(value, name)

    return check_or_null


def exactly(expected: str | int | bool) -> Check:  # noqa: FBT001  the value itself
    """Return the check of a field with one value, of one type: ``True`` is not 1."""

    def check(value: object, name: str) -> None:
        if type(value) is not type(expected) or value != expected:
            refuse(f"not {expected!r}", name)

    return check


def one_of(*words: str) -> Check:
    """Return the check of a field that holds one of these words."""

    def check(value: object, name: str) -> None:
        if type(value) is not str or value not in words:
            refuse(f"not one of {', '.join(words)}", name)

    return check


def within(least: int, most: int) -> Check:
    """Return the check of an integer between two bounds, both included."""

    def check(value: object, name: str) -> None:
        if type(value) is not int or not least <= value <= most:
            refuse(f"not an integer from {least:,} to {most:,}", name)

    return check


def base64_of(size: int) -> Check:
    """Return the check of strict base64 of so many bytes."""

    def check(value: object, name: str) -> None:
        try:
            raw = base64_decode(value) if type(value) is str else b""
        except EncodingError as error:
            refuse(error.message, name)
        if len(raw) != size:
            refuse(f"not base64 of {size:,} bytes", name)

    return check


def a_flag(value: object, name: str) -> None:
    """Accept true or false."""
    if type(value) is not bool:
        refuse("not true or false", name)


def a_list_of(check: Check) -> Check:
    """Return the check of an array, in its own order, of which each item passes `check`."""

    def check_each(value: object, name: str) -> None:
        if type(value) is not list:
            refuse("not an array", name)
        for index, item in enumerate(value):
            check(item, f"{name}/{index}")

    return check_each


def hex_of(digits: int) -> Check:
    """Return the check of so many lower-case hex digits."""
    is_hex = re.compile(f"[0-9a-f]{{{digits}}}").fullmatch

    def check(value: object, name: str) -> None:
        if type(value) is not str or is_hex(value) is None:
            refuse(f"not {digits} lower-case hex digits", name)

    return check
