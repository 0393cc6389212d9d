"""Verifying files: reading what core judges. Nothing here needs a home or a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lodestamp.core import proof as proofs
from lodestamp.core.content import Tree
from lodestamp.core.verdict import Verdict
from lodestamp.node.blocks import SourceFile, is_folder, read_tree, unreadable
from lodestamp.node.progress import Progress
from lodestamp.node.tlog_verifying import is_tlog_proof, verify_tlog

StrPath = str | os.PathLike[str]


def verify(
    proof: proofs.Proof | bytes | StrPath,
    content: bytes | StrPath | None = None,
    trust: proofs.Trust | bytes | StrPath | None = None,
    *,
    without_content: bool = False,
    require: Sequence[str] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Check a proof, offline, and say leg by leg what is established and by what.

    A C2SP tlog-proof is judged too; its `content` is the operation it is about. A text is a path,
    of `content` also that of a folder; bytes are the thing itself. Given
    `content`, its address is computed again;
    otherwise the content leg of a proof that carries one is unknown, unless `without_content`.
    Bad proofs are refuted, never raised. SourceError when a file cannot be read, TrustError when
    the trust file is not one.
    """
    data = proof.encode() if isinstance(proof, proofs.Proof) else _read(proof)
    if trust is not None and not isinstance(trust, proofs.Trust):
        trust = proofs.Trust.parse(_read(trust))
    if is_tlog_proof(data):
        operation = None if content is None else _read(content)
        return verify_tlog(data, operation, trust, require=require)
    with ExitStack() as stack:
        pieces: bytes | Iterable[memoryview] | Tree | None
        if content is None or isinstance(content, bytes):
            pieces = content
        elif is_folder(Path(content)):
            pieces = Tree(read_tree(Path(content), progress=progress))
        else:
            source = stack.enter_context(SourceFile.open(Path(content)))
            pieces = source.pieces(progress)
        return proofs.verify(
            data,
            trust=trust,
            content=pieces,
            without_content=without_content,
            require=require,
        )


def read_proof(path: StrPath) -> proofs.Proof:
    """Read a proof file without judging it; ProofFormatError when it is not one."""
    return proofs.Proof.parse(_read(path))


def _read(what: bytes | StrPath) -> bytes:
    """Read a whole document, up to one byte more than a proof may have."""
    if isinstance(what, bytes):
        return what
    try:
        with Path(what).open("rb") as file:
            return file.read(proofs.PROOF_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise unreadable(what, error) from error
