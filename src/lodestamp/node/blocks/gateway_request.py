"""What is asked of a trustless gateway: format, path, part (content spec R110, R111, R113).

``format`` in the query beats Accept, and the ``car-*`` parameters beat those of Accept. Whatever
makes no sense is refused with the HTTP status that says why.

>>> asked = parse_request("/ipfs/bafkqaaa/a%20b", "format=car&dag-scope=block", {})
>>> asked.format.value, asked.segments, asked.scope.value
('car', (b'a b',), 'block')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from lodestamp.core.content import Scope, segments_of
from lodestamp.errors import GatewayRefusal, LimitExceeded, PathError

HEADER_ITEMS_MAX: Final = 16
"""Entries of one Accept, Range or If-None-Match: a browser sends eight."""
HEADER_SIZE_MAX: Final = 4_096
"""Characters of one such header."""
QUERY_ITEMS_MAX: Final = 32
"""Parameters of one query; seven have a meaning."""
FILENAME_SIZE_MAX: Final = 255
"""Characters of a file name that is asked for: what a file system takes."""
CAR_TYPE: Final = "application/vnd.ipld.car"
RAW_TYPE: Final = "application/vnd.ipld.raw"
RECORD_TYPE: Final = "application/vnd.ipfs.ipns-record"

_BROWSERS: Final = frozenset({"text/html", "application/xhtml+xml", "application/xml"})
_is_integer: Final = re.compile(r"-?[0-9]{1,19}").fullmatch
_is_quality: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?").fullmatch


class Format(StrEnum):
    """What a gateway can answer with; the value is the word in ``?format=``."""

    RAW = "raw"
    CAR = "car"
    IPNS_RECORD = "ipns-record"


_FORMATS: Final[Mapping[str, Format]] = {
    RAW_TYPE: Format.RAW,
    CAR_TYPE: Format.CAR,
    RECORD_TYPE: Format.IPNS_RECORD,
}


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of an entity, both ends inclusive; negative counts from the end, None is ``*``."""

    first: int
    last: int | None

    def within(self, size: int) -> tuple[int, int] | None:
        """Return start and end, exclusive, in a file of `size` bytes; None for no bytes (R113).

        GatewayRefusal 400 when it begins past the end of a file that has bytes.
        """
        if self.first >= size > 0:
            raise refuse(400, "entity-bytes", f"a file of {size:,} bytes has no byte {self.first}")
        start = max(self.first + size if self.first < 0 else self.first, 0)
        last = size - 1 if self.last is None else self.last
        last = min(last + size if last < 0 else last, size - 1)
        return (start, last + 1) if start <= last else None

    def __str__(self) -> str:
        return f"{self.first}:{'*' if self.last is None else self.last}"


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """One request, understood. `target` and `segments` are the CID or name, and what follows it.

    `path` is as it was asked, percent-encoded; `explicit` the same request with its format in the
    query, where it came from Accept.
    """

    path: str
    target: str
    segments: tuple[bytes, ...]
    format: Format
    explicit: str | None
    scope: Scope
    bytes: ByteRange | None
    order: str
    dups: bool
    filename: str | None
    range: str | None
    if_range: str | None
    if_none_match: tuple[str, ...]
    only_if_cached: bool

    @property
    def car_type(self) -> str:
        """The Content-Type of a CAR as it is served: always with all its parameters."""
        return f"{CAR_TYPE}; version=1; order=dfs; dups={'y' if self.dups else 'n'}"


def parse_request(path: str, query: str, headers: Mapping[str, str]) -> GatewayRequest:
    """Understand a request for ``/ipfs/CID[/path]`` or ``/ipns/NAME``; header names in lower case.

    GatewayRefusal 400 for what makes no sense, 406 for a format nobody serves.
    """
    for name in ("accept", "range", "if-none-match", "if-range", "cache-control"):
        if len(headers.get(name, "")) > HEADER_SIZE_MAX:
            raise refuse(400, "header", f"{name} has more than {HEADER_SIZE_MAX:,} characters")
    asked = _query(query)
    accept = headers.get("accept", "")
    liked = _accepted(accept)
    form = _named(asked["format"]) if "format" in asked else _best(liked, accept)
    order, dups = _car_parameters(asked, dict(liked).get(form, {}))
    target, segments = _split(path)
    byte_range = _byte_range(asked.get("entity-bytes"))
    scope = _scope(asked.get("dag-scope"))
    return GatewayRequest(
        path=path,
        target=target,
        segments=segments,
        format=form,
        explicit=None if "format" in asked else _explicit(path, query, form),
        scope=Scope.ENTITY if byte_range is not None else scope,
        bytes=byte_range,
        order=order,
        dups=dups,
        filename=asked.get("filename"),
        range=headers.get("range"),
        if_range=headers.get("if-range"),
        if_none_match=_items(headers.get("if-none-match", "")),
        only_if_cached="only-if-cached" in _items(headers.get("cache-control", "")),
    )


def refuse(status: int, code: str, message: str) -> GatewayRefusal:
    """Return the refusal of a request: an HTTP status, and ``gateway.`` with a word for why."""
    return GatewayRefusal(status, message, code=f"gateway.{code}")


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """Return start and end, exclusive, of the first range of a Range header; None to ignore it.

    GatewayRefusal 416 when no range of it touches the body, 400 for more than 16 of them.
    """
    unit, _, listed = text.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    spans = [_span(each, size) for each in _items(listed)]
    if not spans or None in spans:
        return None
    touching = [span for span in spans if span is not None and span[0] < span[1]]
    if not touching:
        raise GatewayRefusal(
            416,
            f"a body of {size:,} bytes has none of {text:.60}",
            code="gateway.range",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return touching[0]


def _span(text: str, size: int) -> tuple[int, int] | None:
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash or not all(
        part == "" or (part.isascii() and part.isdigit()) for part in (first, last)
    ):
        return None
    if not first:
        return (max(size - int(last[:20]), 0), size) if last else None
    if last and int(last[:20]) < int(first[:20]):
        return None
    return int(first[:20]), min(int(last[:20]) + 1 if last else size, size)


def _query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_ITEMS_MAX)
    except ValueError:
        raise refuse(400, "query", f"more than {QUERY_ITEMS_MAX} parameters") from None
    return dict(reversed(pairs))  # of a repeated parameter the first counts


def _items(header: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in header.split(",") if item.strip())
    if len(items) > HEADER_ITEMS_MAX:
        raise refuse(400, "header", f"a header lists more than {HEADER_ITEMS_MAX} entries")
    return items


def _named(name: str) -> Format:
    found = next((each for each in Format if each == name), None)
    if found is None:
        raise refuse(406, "format", f"no format {name!r:.60}")
    return found


def _accepted(accept: str) -> list[tuple[Format, dict[str, str]]]:
    """Return the formats of an Accept header and their parameters, the best liked last."""
    liked: list[tuple[float, Format, dict[str, str]]] = []
    for item in _items(accept):
        kind, *rest = (part.strip().lower() for part in item.split(";"))
        parameters = {name: value.strip('"') for name, _, value in (p.partition("=") for p in rest)}
        quality = parameters.pop("q", "1")
        if not _is_quality(quality):
            raise refuse(400, "accept", f"q={quality:.20}")
        if kind in _FORMATS and float(quality) > 0:
            liked.append((float(quality), _FORMATS[kind], parameters))
    liked.reverse()  # of equals the first counts, so it comes last
    return [(form, parameters) for _, form, parameters in sorted(liked, key=itemgetter(0))]


def _best(liked: list[tuple[Format, dict[str, str]]], accept: str) -> Format:
    """Return the format liked best; 400 where anything would do, 406 where nothing here does."""
    if liked:
        return liked[-1][0]
    kinds = {item.partition(";")[0].strip().lower() for item in _items(accept)}
    served = f"{RAW_TYPE}, {CAR_TYPE} or {RECORD_TYPE}"
    if not kinds or any(kind in _BROWSERS or kind.endswith("/*") for kind in kinds):
        raise refuse(400, "format", f"say what you want: Accept {served}, or ?format=")
    raise refuse(406, "format", f"only {served} are served")


def _car_parameters(asked: Mapping[str, str], accepted: Mapping[str, str]) -> tuple[str, bool]:
    version = asked.get("car-version", accepted.get("version", "1"))
    order = asked.get("car-order", accepted.get("order", "dfs"))
    dups = asked.get("car-dups", accepted.get("dups", "n"))
    for name, value, known in (
        ("version", version, ("1",)),
        ("order", order, ("dfs", "unk")),
        ("dups", dups, ("y", "n")),
    ):
        if value not in known:
            raise refuse(400, f"car-{name}", f"{name}={value:.20} of a CAR is not served")
    return order, dups == "y"


def _scope(text: str | None) -> Scope:
    if text is None:
        return Scope.ALL
    found = next((each for each in Scope if each == text), None)
    if found is None:
        raise refuse(400, "dag-scope", f"dag-scope is block, entity or all, not {text!r:.40}")
    return found


def _byte_range(text: str | None) -> ByteRange | None:
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not colon or not _is_integer(first) or not (last == "*" or _is_integer(last)):
        raise refuse(400, "entity-bytes", f"{text!r:.60} is not from:to")
    byte_range = ByteRange(int(first), None if last == "*" else int(last))
    if byte_range.last is not None and byte_range.last >= 0 and byte_range.first > byte_range.last:
        raise refuse(400, "entity-bytes", f"{text} ends before it begins")
    return byte_range


def _split(path: str) -> tuple[str, tuple[bytes, ...]]:
    before, _, after = path.removeprefix("/").partition("/")
    if before not in {"ipfs", "ipns"} or not path.startswith("/"):
        raise refuse(400, "path", "a path begins with /ipfs/ or /ipns/")
    target, *rest = after.split("/")
    try:
        return target, segments_of(unquote_to_bytes(part) for part in rest)
    except (PathError, LimitExceeded) as error:
        raise refuse(400, "path", error.message) from None


def _explicit(path: str, query: str, form: Format) -> str:
    """Return the same request with its format in the query, fit for a header."""
    kept = quote(query, safe="%&=:*+-._~!$'()/?@")
    return f"{path}?{kept}&format={form.value}" if kept else f"{path}?format={form.value}"
