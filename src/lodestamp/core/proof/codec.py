"""The proof file: one byte string per proof, closed in every section (transparency spec §9).

The file is canonical JSON (RFC 8785) without a trailing newline, at most 4 MiB, at most 40
containers deep. That much holds for every version of the format, so a reader can always tell
damage from a version it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.encoding import (
    JsonObject,
    canonical_json,
    parse_canonical,
)
from lodestamp.core.proof.anchor import Anchor
from lodestamp.core.proof.anchored import read_anchors, read_ledger
from lodestamp.core.proof.model import (
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    REQUIRES_MAX,
    Authority,
    Checkpoint,
    Content,
    Ledger,
    Log,
    Subject,
)
from lodestamp.core.proof.sections import (
    read_authority,
    read_checkpoint,
    read_content,
    read_log,
    read_subject,
    reader,
    refuse,
)
from lodestamp.errors import EncodingError, ProofFormatError

FORMAT: Final = "lodestamp-proof"
VERSION: Final = 1

_ENCODING_CODES: Final = MappingProxyType(
    {
        "too-large": "format.too_large",
        "not-utf8": "format.not_utf8",
        "not-json": "format.not_json",
        "not-object": "format.bad_type",
        "too-deep": "format.limit",
        "float": "format.bad_type",
        "int-range": "format.bad_type",
        "surrogate": "format.bad_type",
        "not-canonical": "format.not_canonical",
    }
)


_TOP_REQUIRED: Final = frozenset({"format", "subject", "version"})
_TOP_OPTIONAL: Final = frozenset(
    {"anchors", "authority", "checkpoint", "content", "ledger", "log", "requires"}
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file as values. Log, ledger and anchors are all about one checkpoint (R68)."""

    subject: Subject
    content: Content | None = None
    log: Log | None = None
    checkpoint: Checkpoint | None = None
    authority: Authority | None = None
    ledger: Ledger | None = None
    anchors: tuple[Anchor, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a proof file; for all accepted bytes ``Proof.parse(data).encode() == data``.

        ProofFormatError ``format.too_large .not_utf8 .not_json .not_canonical .unknown_member
        .missing_member .bad_type .limit`` for what is no version-1 proof, and
        ``format.unsupported`` for a proof of a version or with a feature unknown here (R72).
        """
        top = _parse_json(data)
        _check_version(top)
        reader.members(top, "", _TOP_REQUIRED, _TOP_OPTIONAL)
        if ("log" in top) != ("checkpoint" in top):
            missing = "checkpoint" if "log" in top else "log"
            refuse("missing_member", f"log and checkpoint come together; no {missing}")
        for name in ("ledger", "anchors"):
            if name in top and "log" not in top:
                refuse("missing_member", f"{name} are of a checkpoint; no log", f"/{name}")
        authority = read_authority(_section(top, "authority")) if "authority" in top else None
        if authority is not None and authority.state is not None and "log" not in top:
            refuse("missing_member", "a state is of a log; no log", "/authority/state")
        return cls(
            subject=read_subject(_section(top, "subject")),
            content=read_content(_section(top, "content")) if "content" in top else None,
            log=read_log(_section(top, "log")) if "log" in top else None,
            checkpoint=(
                read_checkpoint(_section(top, "checkpoint")) if "checkpoint" in top else None
            ),
            authority=authority,
            ledger=read_ledger(_section(top, "ledger")) if "ledger" in top else None,
            anchors=read_anchors(top["anchors"]) if "anchors" in top else (),
        )

    @property
    def op_id(self) -> str:
        """The id that the subject operation states; whether it is one is for `verify` to say."""
        return str(self.subject.operation.get("op_id", ""))

    def encode(self) -> bytes:
        """Return the bytes of the file; EncodingError when the parts are outside its limits."""
        return canonical_json(self.as_json(), depth_max=PROOF_DEPTH_MAX)

    def as_json(self) -> JsonObject:
        """Return the document as it stands in the file."""
        top: JsonObject = {"format": FORMAT, "version": VERSION, "subject": self.subject.as_json()}
        for name, section in (
            ("content", self.content),
            ("authority", self.authority),
            ("log", self.log),
            ("checkpoint", self.checkpoint),
            ("ledger", self.ledger),
        ):
            if section is not None:
                top[name] = section.as_json()
        if self.anchors:
            top["anchors"] = [anchor.as_json() for anchor in self.anchors]
        return top


def _parse_json(data: bytes) -> JsonObject:
    try:
        return parse_canonical(data, size_max=PROOF_SIZE_MAX, depth_max=PROOF_DEPTH_MAX)
    except EncodingError as error:
        raise ProofFormatError(_ENCODING_CODES[error.code], error.message) from None


def _check_version(top: JsonObject) -> None:
    """Tell a foreign file from a proof of another version, before its members are judged."""
    if "format" not in top:
        refuse("missing_member", "no member format: this is not a proof file")
    if top["format"] != FORMAT:
        refuse("bad_type", f"the format is not {FORMAT}", "/format")
    if "version" not in top:
        refuse("missing_member", "no member version")
    version = top["version"]
    if type(version) is not int:
        refuse("bad_type", "not an integer", "/version")
    if version != VERSION:
        refuse("unsupported", f"version {version} is not known here", "/version")
    if "requires" not in top:
        return
    requires = reader.array(top["requires"], "/requires", REQUIRES_MAX, minimum=1)
    names = [reader.text(name, f"/requires/{at}") for at, name in enumerate(requires)]
    refuse("unsupported", f"the proof requires {names[0]!r:.80}, unknown here", "/requires")


def _section(top: JsonObject, name: str) -> JsonObject:
    return reader.object(top[name], f"/{name}")
