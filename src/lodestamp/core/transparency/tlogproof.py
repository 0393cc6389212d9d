r"""Inclusion proofs as a text of their own: C2SP tlog-proof (transparency spec R22).

A file ``.tlog-proof`` holds the index, the path and the signed checkpoint of one entry, and no key
and no entry: who checks it brings both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.merkle import InclusionProof, verify_inclusion
from lodestamp.core.transparency.checkpoint import Checkpoint, parse_checkpoint
from lodestamp.core.transparency.note import parse_note
from lodestamp.core.transparency.opened import Opened, open_note
from lodestamp.core.transparency.vkey import VerifierKey
from lodestamp.errors import BadNote, EncodingError

TLOG_PROOF_SIZE_MAX: Final = 1 << 18
"""Bytes of one file: a whole note, 63 hashes, and 100 KB of foreign extra data."""

TLOG_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
"""The first line of every such file."""

_PATH_MAX: Final = 63
_is_index: Final = re.compile(r"index (0|[1-9][0-9]{0,18})").fullmatch


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The path of one entry to the root of a signed checkpoint, whose bytes are kept as they are.

    `extra` is foreign and never trusted; we write none. BadNote ``malformed`` when the checkpoint
    is no note or the whole has more than 256 KiB, ``bad-checkpoint`` when its text is no
    checkpoint; BadTreeProof and BadHashLength for a path that is none in a tree of its size.
    """

    path: InclusionProof
    checkpoint: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        stated = parse_checkpoint(parse_note(self.checkpoint).text)
        if stated.size != self.path.size:
            raise _malformed(f"a path in a tree of {self.path.size} under size {stated.size}")
        if len(self.encode()) > TLOG_PROOF_SIZE_MAX:
            raise _malformed(f"more than {TLOG_PROOF_SIZE_MAX:,} bytes")

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        lines = [TLOG_PROOF_HEADER]
        if self.extra:
            lines.append(f"extra {base64_encode(self.extra)}")
        lines += [f"index {self.path.index}", *map(base64_encode, self.path.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a file, verifying nothing; errors as `TlogProof`.

    Every accepted file encodes to its own bytes.
    """
    if len(data) > TLOG_PROOF_SIZE_MAX:
        raise _malformed(f"more than {TLOG_PROOF_SIZE_MAX:,} bytes")
    head, empty, checkpoint = data.partition(b"\n\n")
    try:
        first, *lines = head.decode("ascii").split("\n", _PATH_MAX + 3)
    except UnicodeDecodeError:
        raise _malformed("the lines before the checkpoint are not ASCII") from None
    if first != TLOG_PROOF_HEADER or not empty:
        raise _malformed(f"it does not begin with {TLOG_PROOF_HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _decode(lines.pop(0).removeprefix("extra "))
        if not extra:
            raise _malformed("its extra line is empty")
    index = _is_index(lines[0]) if lines else None
    if index is None:
        raise _malformed("it names no index")
    hashes = tuple(map(_decode, lines[1:]))
    size = parse_checkpoint(parse_note(checkpoint).text).size
    return TlogProof(InclusionProof(int(index[1]), size, hashes), checkpoint, extra)


def verify_tlog_proof(
    proof: TlogProof, leaf_hash: bytes, vkeys: Iterable[VerifierKey]
) -> tuple[Checkpoint, Opened]:
    """Check that a leaf is in the tree of a checkpoint that its log has signed.

    `vkeys` are those of the log and of witnesses; at least one named like the origin must have
    signed. Returns the checkpoint and who signed it. BadNote as `open_note`, and
    ``no-known-signature`` when only others than the log have; BadTreeProof ``root_mismatch``.
    """
    opened = open_note(proof.checkpoint, vkeys)
    checkpoint = parse_checkpoint(opened.text)
    if all(vkey.name != checkpoint.origin for vkey in opened.verified):
        raise BadNote("no known key of the log has signed this note", code="no-known-signature")
    verify_inclusion(leaf_hash, proof.path, checkpoint.root)
    return checkpoint, opened


def _decode(line: str) -> bytes:
    try:
        return base64_decode(line)
    except EncodingError as error:
        raise _malformed(f"a line is {error.message}") from None


def _malformed(reason: str) -> BadNote:
    return BadNote(f"not a tlog-proof: {reason}", code="malformed")
