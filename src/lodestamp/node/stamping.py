"""What `stamp` records: the address of a file or folder, and a claim about it.

Transparency spec §9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lodestamp.core.content import (
    Block,
    Profile,
    Root,
    add_directory,
    add_file,
    address_directory,
    address_file,
    get_profile,
)
from lodestamp.core.encoding import INT_MAX, Codec, JsonObject, address_of
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import NODE_LABEL_MAX, PREV_MAX, build_op, claim, evidence
from lodestamp.core.proof import CONTENT_KIND, STATEMENT_PREDICATE
from lodestamp.errors import UsageError
from lodestamp.node.blocks import USUAL_TREE, SourceFile, TreeOptions, is_folder, read_tree
from lodestamp.node.progress import Progress

if TYPE_CHECKING:
    from lodestamp.node.blocks import BlockStore

_DERIVER: Final = "lodestamp/stamp"
_CERTAIN_BP: Final = 10_000
NO_OPERATION: Final = address_of(b"")
"""An op id that no operation has, to stand where a real one will."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A root and, for a file, its plain SHA-256 where it was asked for or cost nothing."""

    root: Root
    sha256: bytes | None


def address_path(
    path: Path,
    *,
    profile: str | Profile,
    sha256: bool = False,
    tree: TreeOptions = USUAL_TREE,
    progress: Progress | None = None,
    store: BlockStore | None = None,
) -> Addressed:
    """Read a file or folder once and compute its address; SourceError when it cannot be read.

    With `store`, its blocks are kept there and its root is pinned; errors as a writer's.
    UsageError for the SHA-256 of a folder, which has none; other errors as `read_tree`.
    """
    layout = get_profile(profile) if isinstance(profile, str) else profile
    if is_folder(path):
        if sha256:
            raise UsageError(f"{path} is a folder, and a folder has no SHA-256")
        entries = read_tree(path, tree, progress)
        if store is not None:
            return Addressed(_keep(add_directory(entries, layout), store), None)
        return Addressed(address_directory(entries, layout), None)
    with SourceFile.open(path) as source:
        pieces = source.pieces(progress)
        if not sha256:
            root = _root_of(pieces, layout, store)
            # a file of one raw block is hashed plainly: its CID holds the SHA-256 already
            plain = root.cid.digest if root.cid.codec == Codec.RAW else None
            return Addressed(root, plain)
        hasher = new_sha256()

        def hashed() -> Iterator[memoryview]:
            for piece in pieces:
                hasher.update(piece)
                yield piece

        root = _root_of(hashed(), layout, store)
        return Addressed(root, hasher.digest())


def _root_of(pieces: Iterator[memoryview], layout: Profile, store: BlockStore | None) -> Root:
    if store is None:
        return address_file(pieces, layout)
    return _keep(add_file(pieces, layout), store)


def _keep(items: Iterator[Block | Root], store: BlockStore) -> Root:
    """Store what an import yields, and pin its root with the last of it."""
    from lodestamp.node.blocks import Pin  # noqa: PLC0415  addressing alone needs no database

    with store.writer() as writer:
        for item in items:
            if isinstance(item, Root):
                writer.commit([Pin.of_root(item)])
                return item
            writer.put_made(item)
    raise AssertionError("an import ends with its Root")


def evidence_of(addressed: Addressed, *, name: str | None, captured_at: int) -> JsonObject:
    """Return the body of the evidence that this content was here at that time (Unix seconds)."""
    root = addressed.root
    content: JsonObject = {"cid": str(root.cid), "profile": root.profile, "size": root.size}
    if name is not None:
        content["name"] = name
    if addressed.sha256 is not None:
        content["sha256"] = addressed.sha256.hex()
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


def claim_about(addressed: Addressed, statement: str, evidence_id: str) -> JsonObject:
    """Return the body of a claim that says `statement` about this content.

    UsageError for an empty statement.
    """
    if not statement:
        raise UsageError("an empty claim says nothing")
    return claim(
        subject=str(addressed.root.cid),
        predicate=STATEMENT_PREDICATE,
        object=statement,
        confidence_bp=_CERTAIN_BP,
        derived_from=[evidence_id],
        deriver=_DERIVER,
        rationale="stamp",
    )
