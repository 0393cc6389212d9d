"""The ``content`` leg: the bytes at hand are those the operation speaks of.

The operation speaks of content through an evidence of kind ``lodestamp.content/1``: the subject, or
one the subject derives from. Its ``content`` names root CID, import profile, size, and perhaps a
file name and the SHA-256 of the whole. A claim with predicate ``lodestamp.statement/1`` is about
the CID that is its subject, and about no other. Bytes are imported anew by the profile, in a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from lodestamp.core.content import (
    File,
    Tree,
    TreeEntry,
    address_directory,
    address_file,
    get_profile,
)
from lodestamp.core.encoding import Cid
from lodestamp.core.operations import Operation
from lodestamp.core.proof.model import Content
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import CidError, ContentError

NAME: Final = "content"
CONTENT_KIND: Final = "lodestamp.content/1"
"""The kind of an evidence that speaks of content."""
STATEMENT_PREDICATE: Final = "lodestamp.statement/1"
"""The predicate of a claim that says something, its object, of the content that is its subject."""
BYTES_GIVEN: Final = "bytes given"
CHUNK_USUAL: Final = 256
"""Bytes: no named profile cuts smaller chunks, so smaller ones are the sender's wish."""
SMALL_CHUNKS_MAX: Final = 50_000
"""Chunks below that size we cut a file into: a second's work, where the sender chose the cost."""
CHUNKS_MAX: Final = 10_000_000
"""Chunks we cut a file into: 10 TB by the default profile, some minutes of work by any other."""

FilePieces = bytes | bytearray | memoryview | Iterable[bytes | memoryview]
Pieces = FilePieces | Tree
"""Content to check: a file, whole or its pieces in order, none of them kept; or a folder."""

_STATED: Final = frozenset({"cid", "profile", "size"})
_STATED_OPTIONAL: Final = frozenset({"name", "sha256"})


@dataclass(frozen=True, slots=True)
class _Statement:
    """What an evidence says of content, and who says it."""

    author: str
    cid: object
    profile: object
    size: object
    name: str | None
    sha256: str | None


def check_content(
    section: Content, operations: Sequence[Operation], pieces: Pieces | None, *, counts: bool
) -> Leg:
    """Check what is stated, then the bytes; `counts` says whether absent bytes leave a gap."""
    cid = str(section.cid)
    statements = _stated(section, cid, operations)
    if isinstance(statements, Leg):
        return statements
    if said_of := _said_of_another(cid, operations[0]):
        return Leg.refuted(NAME, "not_in_operation", said_of)
    if pieces is None:
        detail = "the content itself was not given"
        return Leg.unknown(NAME, "bytes_absent", detail, counts=counts)
    try:
        profile = get_profile(section.profile)
    except ContentError as error:
        return Leg.unknown(NAME, "profile_unknown", error.message)
    chunks_max = CHUNKS_MAX if profile.chunker.size >= CHUNK_USUAL else SMALL_CHUNKS_MAX
    if section.size > chunks_max * profile.chunker.size:
        detail = f"{section.size:,} bytes by {section.profile:.80} are over {chunks_max:,} chunks"
        return Leg.unknown(NAME, "profile_unknown", detail)
    digests = {each.sha256 for each in statements if each.sha256 is not None}
    meter = _Meter(section.size, hashing=bool(digests) and not isinstance(pieces, Tree))
    if isinstance(pieces, Tree):
        root = address_directory(meter.measure_tree(pieces), profile)
    else:
        root = address_file(meter.measure(pieces), profile)
    if meter.size != section.size:
        more = "more than " if meter.size > section.size else ""
        detail = f"{more}{min(meter.size, section.size):,} bytes, not {section.size:,}"
        return Leg.refuted(NAME, "size_mismatch", detail)
    if root.cid != section.cid:
        return Leg.refuted(NAME, "cid_mismatch", f"the bytes have the CID {root.cid}")
    if digests - {meter.hexdigest()}:
        digest = meter.hexdigest()
        detail = f"the bytes have the SHA-256 {digest}" if digest else "a folder has no SHA-256"
        return Leg.refuted(NAME, "sha256_mismatch", detail)
    facts: dict[str, Fact] = {
        "cid": cid,
        "profile": section.profile,
        "size": section.size,
    }
    if digests:
        facts["sha256"] = meter.hexdigest()
    for statement in statements:  # a stranger's name for it is not the author's word
        if statement.name is not None and statement.author == operations[0].author:
            facts["name"] = statement.name
    return Leg(NAME, Status.ESTABLISHED, basis=BYTES_GIVEN, facts=facts)


def content_of(operation: Operation) -> Content | None:
    """Return the content that an operation speaks of by itself, or None."""
    for statement in _statements((operation,)):
        cid, profile, size = statement.cid, statement.profile, statement.size
        if isinstance(cid, str) and isinstance(profile, str) and type(size) is int:
            try:
                return Content(Cid.parse(cid), profile, size)
            except CidError:
                return None
    return None


def sha256_of(operation: Operation) -> str | None:
    """Return the SHA-256 that an operation states of its content, as it is written there."""
    return next((each.sha256 for each in _statements((operation,))), None)


def _said_of_another(cid: str, subject: Operation) -> str | None:
    """Return why a statement is not about this content, or None."""
    body = subject.body
    if subject.type != "claim" or body["predicate"] != STATEMENT_PREDICATE:
        return None
    about = body["subject"]
    return None if about == cid else f"the claim is about {about!s:.120}"


def _stated(section: Content, cid: str, operations: Iterable[Operation]) -> list[_Statement] | Leg:
    """Return the statements that name this content, or the leg that says why none does.

    All of them count, whatever order their ids happen to give them.
    """
    statements = list(_statements(operations))
    if not statements:
        detail = f"no operation here is an evidence of kind {CONTENT_KIND}"
        return Leg.refuted(NAME, "not_in_operation", detail)
    same = [statement for statement in statements if statement.cid == cid]
    if not same:
        detail = f"the operation speaks of {statements[0].cid!s:.80}, not of {cid}"
        return Leg.refuted(NAME, "cid_mismatch", detail)
    same = [statement for statement in same if _equal_int(statement.size, section.size)]
    if not same:
        detail = f"the operation does not say {section.size:,} bytes"
        return Leg.refuted(NAME, "size_mismatch", detail)
    if same := [statement for statement in same if statement.profile == section.profile]:
        return same
    detail = f"the operation does not say profile {section.profile:.80}"
    return Leg.refuted(NAME, "not_in_operation", detail)


def _statements(operations: Iterable[Operation]) -> Iterator[_Statement]:
    for operation in operations:
        if operation.type != "evidence" or operation.body["kind"] != CONTENT_KIND:
            continue
        stated = operation.body["content"]
        if not isinstance(stated, dict):
            continue
        if not _STATED <= stated.keys() <= _STATED | _STATED_OPTIONAL:
            continue
        name, digest = (stated.get(member, "") for member in ("name", "sha256"))
        if not isinstance(name, str) or not isinstance(digest, str):
            continue
        yield _Statement(
            operation.author,
            stated["cid"],
            stated["profile"],
            stated["size"],
            name if "name" in stated else None,
            digest if "sha256" in stated else None,
        )


def _equal_int(stated: object, size: int) -> bool:
    """Compare as JSON does: true is no 1."""
    return type(stated) is int and stated == size


class _Meter:
    """Counts and hashes pieces on their way to the importer; it stops one piece too late."""

    def __init__(self, size: int, *, hashing: bool) -> None:
        self.size = 0
        self._expected = size
        self._sha256 = sha256() if hashing else None

    def measure(self, pieces: FilePieces) -> Iterator[bytes | memoryview]:
        """Pass pieces on until they are more than expected: the rest could not make it right."""
        if isinstance(pieces, bytes | bytearray | memoryview):
            pieces = (memoryview(pieces),)
        for piece in pieces:
            self.size += memoryview(piece).nbytes
            if self.size > self._expected:
                return
            if self._sha256 is not None:
                view = memoryview(piece)
                self._sha256.update(view if view.c_contiguous else view.tobytes())
            yield piece

    def measure_tree(self, tree: Tree) -> Iterator[TreeEntry]:
        """Pass the entries of a folder on likewise."""
        for entry in tree.entries:
            if isinstance(entry, File):
                yield File(entry.path, self.measure(entry.pieces), entry.metadata)
                if self.size > self._expected:
                    return
            else:
                yield entry

    def hexdigest(self) -> str | None:
        """Return the SHA-256 of all that passed, if anyone asked for it."""
        return self._sha256.hexdigest() if self._sha256 else None
