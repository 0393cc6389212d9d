"""What `stamp` records: a file's address, and a claim about it (transparency spec §9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import Final

from lodestamp.core.content import Root, address_file, get_profile
from lodestamp.core.encoding import INT_MAX, Codec, JsonObject, address_of
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import NODE_LABEL_MAX, PREV_MAX, build_op, claim, evidence
from lodestamp.core.proof import CONTENT_KIND, STATEMENT_PREDICATE
from lodestamp.errors import UsageError
from lodestamp.node.blocks import SourceFile
from lodestamp.node.progress import Progress

_DERIVER: Final = "lodestamp/stamp"
_CERTAIN_BP: Final = 10_000
NO_OPERATION: Final = address_of(b"")
"""An op id that no operation has, to stand where a real one will."""


@dataclass(frozen=True, slots=True)
class AddressedFile:
    """A file's root and, where it was asked for or cost nothing, its plain SHA-256."""

    root: Root
    sha256: bytes | None


def address_path(
    path: Path, *, profile: str, sha256: bool = False, progress: Progress | None = None
) -> AddressedFile:
    """Read a file once and compute its address; SourceError when it cannot be read."""
    layout = get_profile(profile)
    with SourceFile.open(path) as source:
        pieces = source.pieces(progress)
        if not sha256:
            root = address_file(pieces, layout)
            # a file of one raw block is hashed plainly: its CID holds the SHA-256 already
            plain = root.cid.digest if root.cid.codec == Codec.RAW else None
            return AddressedFile(root, plain)
        hasher = new_sha256()

        def hashed() -> Iterator[memoryview]:
            for piece in pieces:
                hasher.update(piece)
                yield piece

        root = address_file(hashed(), layout)
        return AddressedFile(root, hasher.digest())


def evidence_of(file: AddressedFile, *, name: str | None, captured_at: int) -> JsonObject:
    """Return the body of the evidence that this content was here at that time (Unix seconds)."""
    root = file.root
    content: JsonObject = {"cid": str(root.cid), "profile": root.profile, "size": root.size}
    if name is not None:
        content["name"] = name
    if file.sha256 is not None:
        content["sha256"] = file.sha256.hex()
    return evidence(
        source=f"ipfs://{root.cid}", kind=CONTENT_KIND, content=content, captured_at=captured_at
    )


def rehearse(type_: str, body: JsonObject) -> None:
    """Refuse a body that no operation could carry, before anything it belongs with is recorded.

    OpError or EncodingError as `build_op`; the operation is built under a key of no one's, with as
    many parents as there can be.
    """
    nobody = SigningKey.from_seed("ed25519", bytes(32))
    parents = [address_of(bytes([number])) for number in range(PREV_MAX)]
    build_op(nobody, "n" * NODE_LABEL_MAX, type_, body, parents, INT_MAX)


def claim_about(file: AddressedFile, statement: str, evidence_id: str) -> JsonObject:
    """Return the body of a claim that says `statement` about this content.

    UsageError for an empty statement.
    """
    if not statement:
        raise UsageError("an empty claim says nothing")
    return claim(
        subject=str(file.root.cid),
        predicate=STATEMENT_PREDICATE,
        object=statement,
        confidence_bp=_CERTAIN_BP,
        derived_from=[evidence_id],
        deriver=_DERIVER,
        rationale="stamp",
    )
