"""What two nodes say to each other, read strictly: nobody is trusted (Y7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from lodestamp.core.encoding import (
    INT_MAX,
    Digest,
    JsonObject,
    address_of_digest,
    base64_decode,
    base64_encode,
    canonical_json,
    digest_of_address,
    is_content_address,
    parse_canonical,
)
from lodestamp.errors import InputError, LimitExceeded, PeerError, UsageError
from lodestamp.node.recorder import ChainEnd
from lodestamp.node.sync.limits import ANSWER_SIZE_MAX, HEADS_MAX, VECTOR_MAX, VECTOR_SIZE_MAX
from lodestamp.node.sync.symbols import KEY_SIZE

_DEPTH: Final = 3
_CLAIMED_ID: Final = re.compile(rb'"op_id":"(sha256:[0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class HeadsAsked:
    """A caller's heads: at most 256 of `count`, and the digest of all."""

    origin: str
    heads: tuple[Digest, ...]
    count: int
    digest: Digest

    def encode(self) -> bytes:
        """Return the body of ``POST /heads``."""
        return canonical_json(
            {
                "origin": self.origin,
                "heads": addresses(self.heads),
                "count": self.count,
                "digest": address_of_digest(self.digest),
            }
        )

    @classmethod
    def parse(cls, body: bytes) -> HeadsAsked:
        """Read a body; UsageError ``bad-body`` when it is none."""
        document = parse_members(body, {"origin", "heads", "count", "digest"})
        return cls(
            _text(document["origin"]),
            parse_digests(document["heads"], HEADS_MAX),
            _count(document["count"]),
            _digest(document["digest"]),
        )


@dataclass(frozen=True, slots=True)
class HeadsAnswer:
    """A peer's heads, and which of the caller's it does not know."""

    origin: str
    relation: str
    heads: tuple[Digest, ...]
    count: int
    size: int
    digest: Digest
    unknown: tuple[Digest, ...]
    riblt_key: bytes

    def encode(self) -> bytes:
        """Return the answer to ``POST /heads``."""
        return canonical_json(
            {
                "origin": self.origin,
                "relation": self.relation,
                "heads": addresses(self.heads),
                "count": self.count,
                "size": self.size,
                "digest": address_of_digest(self.digest),
                "unknown": addresses(self.unknown),
                "riblt_key": base64_encode(self.riblt_key),
            }
        )

    @classmethod
    def parse(cls, answer: bytes) -> HeadsAnswer:
        """Read an answer; UsageError ``bad-body`` when it is none."""
        names = {"origin", "relation", "heads", "count", "size", "digest", "unknown", "riblt_key"}
        document = parse_members(answer, names, ANSWER_SIZE_MAX)
        key = base64_decode(_text(document["riblt_key"]))
        relation = _text(document["relation"])
        if len(key) != KEY_SIZE or relation not in RELATIONS:
            raise UsageError("a key or a relation is none", code="bad-body")
        return cls(
            _text(document["origin"]),
            relation,
            parse_digests(document["heads"], HEADS_MAX),
            _count(document["count"]),
            _count(document["size"]),
            _digest(document["digest"]),
            parse_digests(document["unknown"], HEADS_MAX),
            key,
        )


RELATIONS: Final = ("equal", "behind", "ahead", "diverged", "unrelated")
"""How the caller stands to the peer."""


@dataclass(frozen=True, slots=True)
class End:
    """The last line of a stream of operations: how many there were, and the sender's heads."""

    count: int
    heads: tuple[Digest, ...]
    vector: tuple[ChainEnd, ...] = ()

    def encode(self) -> bytes:
        """Return the line, without its newline."""
        document: JsonObject = {
            "end": True,
            "count": self.count,
            "heads": addresses(self.heads),
        }
        if self.vector:
            document["vector"] = vector_lists(self.vector)
        return canonical_json(document)

    @classmethod
    def parse(cls, line: bytes) -> End:
        """Read the line; UsageError ``bad-body`` when it is none."""
        names = {"end", "count", "heads"}
        document = parse_members(line, names, VECTOR_SIZE_MAX, optional={"vector"})
        if document["end"] is not True:
            raise UsageError("the end is not the end", code="bad-body")
        return cls(
            _count(document["count"]),
            parse_digests(document["heads"], HEADS_MAX),
            parse_vector(document.get("vector", [])),
        )


def is_end(line: bytes) -> bool:
    """Tell whether a line is meant to be the last: no operation begins so."""
    return line.startswith(b'{"count":')


def parse_members(
    body: bytes,
    names: set[str],
    size_max: int = ANSWER_SIZE_MAX,
    *,
    optional: set[str] | None = None,
) -> dict[str, Any]:
    """Read a canonical object of exactly these members; UsageError ``bad-body``."""
    try:
        document: dict[str, Any] = parse_canonical(body, size_max=size_max, depth_max=_DEPTH)
    except InputError as error:
        raise UsageError(error.message, code="bad-body") from error
    wrong = (names ^ document.keys()) - (optional or set())
    if wrong:
        raise UsageError(f"{min(wrong)!r} is missing or not known", code="bad-body")
    return document


def parse_digests(value: object, count_max: int) -> tuple[Digest, ...]:
    """Read a list of op ids without repetition; UsageError ``bad-body``, LimitExceeded."""
    if not isinstance(value, list) or not all(map(is_content_address, value)):
        raise UsageError("a list of operation ids is none", code="bad-body")
    if len(value) > count_max:
        raise LimitExceeded("the number of operation ids", count_max, len(value))
    if len(set(value)) != len(value):
        raise UsageError("an operation id stands twice", code="bad-body")
    return tuple(map(digest_of_address, value))


def parse_vector(value: object) -> tuple[ChainEnd, ...]:
    """Read ``[[author, node, seq], …]``; UsageError ``bad-body``, LimitExceeded."""
    if not isinstance(value, list):
        raise UsageError("a vector is a list", code="bad-body")
    if len(value) > VECTOR_MAX:
        raise LimitExceeded("the number of chain ends", VECTOR_MAX, len(value))
    return tuple(map(_chain_end, value))


def vector_lists(ends: Iterable[ChainEnd]) -> list[Any]:
    """Return a vector as it travels."""
    return [[end.author, end.node, end.author_seq] for end in ends]


def addresses(digests: Iterable[Digest]) -> list[Any]:
    """Return op ids, ready for JSON."""
    return [address_of_digest(digest) for digest in digests]


def claimed_id(wire: bytes) -> str | None:
    """Return the id that bytes claim to have; None when they claim none.

    The last there is: a body, which stands before it, may name ids of its own.
    """
    found = _CLAIMED_ID.findall(wire)
    return found[-1].decode("ascii") if found else None


def in_peers_words(error: InputError) -> PeerError:
    """Return what a peer's answer that is none means for the caller."""
    return PeerError("bad-answer", f"its answer is none: {error.message}")


def split_lines(body: bytes, count_max: int) -> Iterator[bytes]:
    """Yield the lines of a stream that came whole; LimitExceeded when there are too many."""
    lines = body.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if len(lines) > count_max:
        raise LimitExceeded("the number of lines", count_max, len(lines))
    yield from lines


def _chain_end(value: object) -> ChainEnd:
    if not isinstance(value, list) or len(value) != 3:
        raise UsageError("a chain end has three parts", code="bad-body")
    author, node, author_seq = value
    return ChainEnd(_text(author), _text(node), _count(author_seq))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UsageError("a text is none", code="bad-body")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= INT_MAX:
        raise UsageError("a number is none", code="bad-body")
    return value


def _digest(value: object) -> Digest:
    if not is_content_address(value):
        raise UsageError("a digest is none", code="bad-body")
    return digest_of_address(value)
