"""The trustless gateway: raw blocks, CARs and IPNS records, each checkable by whoever asked.

Nothing is fetched: what this node does not hold is 404. Root, path and last block are found before
the status is sent; a block that turns out to be missing later cuts the connection, so that nobody
takes the CAR for whole (content spec §8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from lodestamp.core.content import Block, Resolution, Scope, car, open_node, resolve, walk
from lodestamp.core.content import slices as content_slices
from lodestamp.core.encoding import Cid, HashCode
from lodestamp.errors import (
    BlockMissing,
    CidError,
    ContentError,
    IpnsError,
    LimitExceeded,
    PathError,
)
from lodestamp.node.blocks.gateway_request import (
    FILENAME_SIZE_MAX,
    RAW_TYPE,
    RECORD_TYPE,
    Format,
    GatewayRequest,
    parse_range,
    parse_request,
    refuse,
)
from lodestamp.node.blocks.ipns_records import IpnsRecords
from lodestamp.node.blocks.store import BlockStore

METHODS: Final = "GET, HEAD, OPTIONS"
CORS_HEADERS: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Range, Accept, If-None-Match",
    "Access-Control-Expose-Headers": (
        "Content-Length, Content-Range, Etag, X-Ipfs-Path, X-Ipfs-Roots"
    ),
}
"""What lets a page of another origin ask, and read what it needs (R118)."""
_FOREVER: Final = "public, max-age=31536000, immutable"
_PIECE_SIZE: Final = 1 << 18
_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, headers, and a body whole or in pieces, none for HEAD and 304.

    Reading the pieces raises BlockMissing or BlockMismatch where the store fails: then the
    connection must be cut.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | Iterator[bytes] = field(default=b"")


class Gateway:
    """Answers requests from a store's blocks, each hashed before it leaves, and from records."""

    def __init__(self, store: BlockStore, records: IpnsRecords) -> None:
        self._store = store
        self._records = records

    def answer(self, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        """Answer a GET for a percent-encoded path; header names in lower case.

        GatewayRefusal with the HTTP status for what cannot be served. Errors of the store as they
        are.
        """
        asked = parse_request(path, query, headers)
        if path.startswith("/ipns/"):
            return self._record(asked)
        if asked.format == Format.IPNS_RECORD:
            raise refuse(400, "format", "an IPNS record is asked of /ipns/NAME")
        try:
            root = Cid.parse(asked.target)
        except CidError as error:
            raise refuse(400, "cid", error.message) from None
        if asked.format == Format.RAW:
            return self._raw(asked, root)
        return self._car(asked, root)

    def _raw(self, asked: GatewayRequest, root: Cid) -> Answer:
        if asked.segments:
            raise refuse(400, "path", "a raw block is asked for by its CID alone")
        etag = f'"{root}.raw"'
        data = self._root(asked, root)
        headers = _headers(asked, RAW_TYPE, f"{root}.bin", etag, roots=(root,))
        headers["Accept-Ranges"] = "bytes"
        if _matches(asked.if_none_match, etag):
            return _not_modified(headers)
        if asked.range is not None and asked.if_range in (None, etag):
            span = parse_range(asked.range, len(data))
            if span is not None:
                start, end = span
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
                headers["Content-Length"] = str(end - start)
                return Answer(206, headers, data[start:end])
        headers["Content-Length"] = str(len(data))
        return Answer(200, headers, data)

    def _car(self, asked: GatewayRequest, root: Cid) -> Answer:
        self._root(asked, root)
        found = self._resolve(asked, root)
        part = self._part(asked, found.cid)
        name = "_".join([str(root), *_text(asked.segments[-1:])])
        etag = f'W/"{root}.car.{_car_digest(asked)}"'
        headers = _headers(asked, asked.car_type, f"{name}.car", etag, roots=found.roots)
        headers["Accept-Ranges"] = "none"
        if _matches(asked.if_none_match, etag):
            return _not_modified(headers)
        return Answer(200, headers, _sections(root, self._blocks(asked, found, part)))

    def _root(self, asked: GatewayRequest, root: Cid) -> bytes:
        data = root.digest if root.hash_code == HashCode.IDENTITY else self._store.get(root)
        if data is None:
            status = 412 if asked.only_if_cached else 404
            raise refuse(status, "absent", f"{root} is not here")
        return data

    def _resolve(self, asked: GatewayRequest, root: Cid) -> Resolution:
        try:
            with self._store.read_for_hashing() as get:
                found = resolve(get, root, asked.segments)
                open_node(get, found.cid)
        except (PathError, BlockMissing) as error:
            raise refuse(404, "absent", error.message) from None
        except LimitExceeded as error:
            raise refuse(400, "limit", error.message) from None
        return found

    def _part(self, asked: GatewayRequest, cid: Cid) -> tuple[int, int] | Scope:
        """Return the bytes of the entity that are asked for, else the scope."""
        if asked.bytes is None:
            return asked.scope
        with self._store.read_for_hashing() as get:
            node = open_node(get, cid)
        if not node.is_file:
            return Scope.ENTITY
        return asked.bytes.within(node.size) or Scope.BLOCK

    def _blocks(
        self, asked: GatewayRequest, found: Resolution, part: tuple[int, int] | Scope
    ) -> Iterator[Block]:
        for cid in found.blocks[:-1]:
            if cid.hash_code != HashCode.IDENTITY:
                yield Block(cid, self._root(asked, cid))
        seen = {cid.encode() for cid in found.blocks[:-1]}
        with self._store.read_for_hashing() as get:
            below = (
                walk(get, found.cid, part, repeated=asked.dups)
                if isinstance(part, Scope)
                else content_slices.nodes(get, found.cid, *part)
            )
            for block in below:
                key = block.cid.encode()
                if asked.dups or key not in seen:
                    seen.add(key)
                    yield block

    def _record(self, asked: GatewayRequest) -> Answer:
        if asked.format != Format.IPNS_RECORD:
            raise refuse(400, "format", "of /ipns/NAME only the record is served, ipns-record")
        if asked.segments:
            raise refuse(400, "path", "a record is asked for by its name alone")
        try:
            record = self._records.get(asked.target)
        except IpnsError as error:
            raise refuse(400, "name", error.message) from None
        if record is None:
            status = 412 if asked.only_if_cached else 404
            raise refuse(status, "absent", f"no record of {asked.target} is here")
        etag = f'"{hashlib.sha256(record.encoded).hexdigest()[:16]}.ipns-record"'
        headers = _headers(asked, RECORD_TYPE, f"{asked.target}.ipns-record", etag, roots=())
        left_ns = min(record.ttl_ns, record.validity_ns - self._records.now_ns)
        headers["Cache-Control"] = f"public, max-age={max(left_ns // _NS_PER_S, 0)}"
        if _matches(asked.if_none_match, etag):
            return _not_modified(headers)
        headers["Content-Length"] = str(len(record.encoded))
        return Answer(200, headers, record.encoded)


def _sections(root: Cid, blocks: Iterator[Block]) -> Iterator[bytes]:
    """Yield a CAR in pieces that are worth sending; what was read goes out before a failure."""
    parts = [car.header_v1([root])]
    size = len(parts[0])
    try:
        for block in blocks:
            parts += (car.section_head(block.cid, len(block.data)), block.data)
            size += len(block.data)
            if size >= _PIECE_SIZE:
                yield b"".join(parts)
                parts, size = [], 0
    except ContentError:
        yield b"".join(parts)
        raise
    yield b"".join(parts)


def _headers(
    asked: GatewayRequest, kind: str, name: str, etag: str, *, roots: tuple[Cid, ...]
) -> dict[str, str]:
    """Return the headers that every answer has (R115)."""
    headers = {
        "Content-Type": kind,
        "Content-Disposition": _disposition(name if asked.filename is None else asked.filename),
        "X-Content-Type-Options": "nosniff",
        "X-Ipfs-Path": asked.path,
        "Etag": etag,
        "Cache-Control": _FOREVER,
        "Vary": "Accept",
    }
    if roots:
        headers["X-Ipfs-Roots"] = ",".join(map(str, roots))
    if asked.explicit is not None:
        headers["Content-Location"] = asked.explicit
    return headers


def _disposition(name: str) -> str:
    """Return the header that names the download; nothing in a name can end the header (R115)."""
    kept = "".join(each for each in name if each.isprintable() and each not in '"\\')
    kept = kept[:FILENAME_SIZE_MAX] or "download"
    plain = "".join(each if each.isascii() else "_" for each in kept)
    header = f'attachment; filename="{plain}"'
    if plain != kept:
        header += f"; filename*=UTF-8''{quote(kept.encode('utf-8', 'replace'), safe='')}"
    return header


def _text(segments: tuple[bytes, ...]) -> list[str]:
    return [segment.decode("utf-8", "replace").replace("/", "_") for segment in segments]


def _car_digest(asked: GatewayRequest) -> str:
    """Return the part of a CAR's Etag that tells its requests apart (R116)."""
    byte_range = ("", "") if asked.bytes is None else str(asked.bytes).split(":")
    parts = (asked.path, asked.scope.value, asked.order, "y" if asked.dups else "n", *byte_range)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _matches(wanted: tuple[str, ...], etag: str) -> bool:
    """Compare weakly, as If-None-Match does (RFC 9110 §13.1.2)."""
    bare = etag.removeprefix("W/")
    return any(each == "*" or each.removeprefix("W/") == bare for each in wanted)


def _not_modified(headers: Mapping[str, str]) -> Answer:
    kept = ("Etag", "Cache-Control", "Vary", "Content-Location")
    return Answer(304, {name: headers[name] for name in kept if name in headers})
