"""Verifying files: reading what core judges. Nothing here needs a home or a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
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
    headers: proofs.BestChain | StrPath | None = None,
    network: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Check a proof, offline, and say leg by leg what is established and by what.

    A C2SP tlog-proof is judged too; its `content` is the operation it is about. A text is a path,
    of `content` also that of a folder; bytes are the thing itself. Given
    `content`, its address is computed again;
    otherwise the content leg of a proof that carries one is unknown, unless `without_content`.
    `headers` is what is known of Bitcoin's best chain, or a file of raw headers from the genesis
    block on, of `network` or else of the trust file's network; anchors of `network` count. With
    `strict` no key that nothing pins speaks for itself, whatever the trust file says.
    Bad proofs are refuted, never raised. SourceError when a file cannot be read, TrustError when
    the trust file is not one, UsageError for a leg or network that is none.
    """
    data = proof.encode() if isinstance(proof, proofs.Proof) else _read(proof)
    trust = _read_trust(trust, strict=strict)
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
            headers=_read_headers(headers, network or (trust or proofs.Trust()).bitcoin.network),
            network=network,
        )


def read_proof(path: StrPath) -> proofs.Proof:
    """Read a proof file without judging it; ProofFormatError when it is not one."""
    return proofs.Proof.parse(_read(path))


def _read_trust(
    trust: proofs.Trust | bytes | StrPath | None, *, strict: bool
) -> proofs.Trust | None:
    if trust is not None and not isinstance(trust, proofs.Trust):
        trust = proofs.Trust.parse(_read(trust))
    if not strict:
        return trust
    return replace(trust or proofs.Trust(), unpinned=proofs.Unpinned.UNKNOWN)


def _read_headers(
    headers: proofs.BestChain | StrPath | None, network: str
) -> proofs.BestChain | None:
    if headers is None or not isinstance(headers, str | os.PathLike):
        return headers
    from lodestamp.core.bitcoin import network_named  # noqa: PLC0415  a tenth of a second
    from lodestamp.node.header_file import HeaderFile  # noqa: PLC0415

    return HeaderFile.read(Path(headers), network_named(network))


def _read(what: bytes | StrPath) -> bytes:
    """Read a whole document, up to one byte more than a proof may have."""
    if isinstance(what, bytes):
        return what
    try:
        with Path(what).open("rb") as file:
            return file.read(proofs.PROOF_SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise unreadable(what, error) from error
