"""Values as people type them: JSON without floats, times, spans of time, rates.

>>> parse_span("30d"), parse_span("90m")
(2592000, 5400)
>>> parse_time("2026-09-21T14:13:20Z"), parse_time("1790000000")
(1790000000, 1790000000)
>>> str(parse_rate("10/60s"))
'Rate(count=10, per_s=60)'
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

from lodestamp.core.encoding import INT_MAX, JsonObject, JsonValue, canonical_json
from lodestamp.core.operations import OP_SIZE_MAX, Rate
from lodestamp.errors import EncodingError, SourceError, UsageError

_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
)
_is_span: Final = re.compile(r"([0-9]{1,12})([smhdw])").fullmatch
_is_seconds: Final = re.compile(r"[0-9]{1,16}").fullmatch
_is_rfc3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|z|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_is_rate: Final = re.compile(r"([0-9]{1,9})/([0-9]{0,9})([smhdw])").fullmatch


def parse_value(text: str, option: str) -> JsonValue:
    """Parse JSON of the value space; UsageError for anything else, with a hint for floats."""
    try:
        value: JsonValue = json.loads(
            text,
            parse_float=lambda number: _refuse_float(number, option),
            parse_constant=lambda number: _refuse_float(number, option),
            object_pairs_hook=lambda pairs: _object_of(pairs, option),
        )
        canonical_json(value)
    except (ValueError, RecursionError) as error:
        hint = """a text stands in quotes of its own: '"tea"'"""
        raise UsageError(f"{option} is no JSON: {error}", hint=hint) from None
    except EncodingError as error:
        raise UsageError(f"{option} cannot be recorded: {error.message}") from None
    return value


def read_object(given: str | None, file: Path | None, option: str) -> JsonObject:
    """Parse the JSON object of an option or of a file, one of them; errors as `parse_value`."""
    if (given is None) == (file is None):
        raise UsageError(f"give either {option} or {option}-file")
    text = _text_of(file) if file is not None else given or ""
    value = parse_value(text, option)
    if not isinstance(value, dict):
        raise UsageError(f"{option} is no JSON object", hint=f"such as {option} '{{\"n\": 1}}'")
    return value


def parse_time(text: str) -> int:
    """Parse Unix seconds or an RFC 3339 time; UsageError for another spelling."""
    if _is_seconds(text):
        seconds = int(text)
    elif _is_rfc3339(text):
        try:
            seconds = int(datetime.fromisoformat(text.upper()).timestamp())
        except (ValueError, OverflowError):
            seconds = -1
    else:
        seconds = -1
    if not 0 <= seconds <= INT_MAX:
        hint = "such as 2026-12-31T23:59:59Z, or Unix seconds"
        raise UsageError(f"{text[:80]!r} is no time", hint=hint)
    return seconds


def parse_span(text: str) -> int:
    """Return the seconds of a span such as ``90s``, ``15m``, ``24h``, ``30d`` or ``2w``."""
    match = _is_span(text)
    if match is None:
        raise UsageError(f"{text[:80]!r} is no span of time", hint="such as 90s, 15m, 24h, 30d, 2w")
    return int(match[1]) * _UNITS[match[2]]


def parse_rate(text: str) -> Rate:
    """Parse a rate such as ``5/s`` or ``100/60s``; UsageError for another spelling."""
    match = _is_rate(text)
    if match is None:
        raise UsageError(f"{text[:80]!r} is no rate", hint="such as 5/s, 100/60s or 1000/1d")
    return Rate(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])


def _refuse_float(number: str, option: str) -> NoReturn:
    hint = f"""quote it as a text: '"{number[:40]}"'"""
    raise UsageError(f"{option} holds the number {number[:40]}, and floats differ", hint=hint)


def _object_of(pairs: list[tuple[str, JsonValue]], option: str) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UsageError(f"{option} names a member twice")
    return found


def _text_of(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            read = stream.read(4 * OP_SIZE_MAX)  # JSON as people space it
        return read.decode("utf-8")
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no UTF-8") from None
