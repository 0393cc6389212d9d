"""The proof file: one byte string per proof, closed in every section (transparency spec §9).

The file is canonical JSON (RFC 8785) without a trailing newline, at most 4 MiB, at most 40
containers deep. That much holds for every version of the format, so a reader can always tell
damage from a version it does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NoReturn, Self

from lodestamp.core.encoding import (
    Cid,
    JsonObject,
    JsonValue,
    base64_decode,
    canonical_json,
    parse_canonical,
)
from lodestamp.core.proof.closed import ClosedReader
from lodestamp.core.proof.model import (
    ANCHORS_MAX,
    DISCLOSED_MAX,
    GRANTS_MAX,
    KEY_EVENTS_MAX,
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    REQUIRES_MAX,
    VKEYS_MAX,
    Authority,
    AuthorityState,
    Checkpoint,
    Content,
    Log,
    Subject,
)
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    parse_vkey,
)
from lodestamp.errors import BadNote, CidError, EncodingError, ProofFormatError

FORMAT: Final = "lodestamp-proof"
VERSION: Final = 1

_VKEY_TYPES: Final = frozenset({ED25519_NOTE, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE})
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


def _refuse(reason: str, message: str, at: str = "") -> NoReturn:
    raise ProofFormatError(f"format.{reason}", message, at=at)


_read: Final = ClosedReader(_refuse)
_TOP_REQUIRED: Final = frozenset({"format", "subject", "version"})
_TOP_OPTIONAL: Final = frozenset(
    {"anchors", "authority", "checkpoint", "content", "ledger", "log", "requires"}
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof file as values.

    `ledger` and `anchors` are valid in version 1 but not checkable by this library yet: they are
    kept as the JSON they came as, and their legs say so.
    """

    subject: Subject
    content: Content | None = None
    log: Log | None = None
    checkpoint: Checkpoint | None = None
    authority: Authority | None = None
    ledger: JsonObject | None = None
    anchors: tuple[JsonObject, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a proof file; for all accepted bytes ``Proof.parse(data).encode() == data``.

        ProofFormatError ``format.too_large .not_utf8 .not_json .not_canonical .unknown_member
        .missing_member .bad_type .limit`` for what is no version-1 proof, and
        ``format.unsupported`` for a proof of a version or with a feature unknown here (R72).
        """
        top = _parse_json(data)
        _check_version(top)
        _read.members(top, "", _TOP_REQUIRED, _TOP_OPTIONAL)
        if ("log" in top) != ("checkpoint" in top):
            missing = "checkpoint" if "log" in top else "log"
            _refuse("missing_member", f"log and checkpoint come together; no {missing}")
        authority = _read_authority(_section(top, "authority")) if "authority" in top else None
        if authority is not None and authority.state is not None and "log" not in top:
            _refuse("missing_member", "a state is of a log; no log", "/authority/state")
        return cls(
            subject=_read_subject(_section(top, "subject")),
            content=_read_content(_section(top, "content")) if "content" in top else None,
            log=_read_log(_section(top, "log")) if "log" in top else None,
            checkpoint=(
                _read_checkpoint(_section(top, "checkpoint")) if "checkpoint" in top else None
            ),
            authority=authority,
            ledger=_section(top, "ledger") if "ledger" in top else None,
            anchors=_read_anchors(top["anchors"]) if "anchors" in top else (),
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
        ):
            if section is not None:
                top[name] = section.as_json()
        if self.ledger is not None:
            top["ledger"] = self.ledger
        if self.anchors:
            top["anchors"] = list(self.anchors)
        return top


def vkey_order(vkey: VerifierKey) -> bytes:
    """Return what carried keys are sorted by: the UTF-8 bytes of their text."""
    return vkey.text().encode()


def _parse_json(data: bytes) -> JsonObject:
    try:
        return parse_canonical(data, size_max=PROOF_SIZE_MAX, depth_max=PROOF_DEPTH_MAX)
    except EncodingError as error:
        raise ProofFormatError(_ENCODING_CODES[error.code], error.message) from None


def _check_version(top: JsonObject) -> None:
    """Tell a foreign file from a proof of another version, before its members are judged."""
    if "format" not in top:
        _refuse("missing_member", "no member format: this is not a proof file")
    if top["format"] != FORMAT:
        _refuse("bad_type", f"the format is not {FORMAT}", "/format")
    if "version" not in top:
        _refuse("missing_member", "no member version")
    version = top["version"]
    if type(version) is not int:
        _refuse("bad_type", "not an integer", "/version")
    if version != VERSION:
        _refuse("unsupported", f"version {version} is not known here", "/version")
    if "requires" not in top:
        return
    requires = _read.array(top["requires"], "/requires", REQUIRES_MAX, minimum=1)
    names = [_read.text(name, f"/requires/{at}") for at, name in enumerate(requires)]
    _refuse("unsupported", f"the proof requires {names[0]!r:.80}, unknown here", "/requires")


def _section(top: JsonObject, name: str) -> JsonObject:
    return _read.object(top[name], f"/{name}")


def _read_anchors(value: JsonValue) -> tuple[JsonObject, ...]:
    return _read.objects(value, "/anchors", ANCHORS_MAX, minimum=1)


def _read_subject(section: JsonObject) -> Subject:
    _read.members(section, "/subject", frozenset({"disclosed", "operation"}))
    operation = _read.object(section["operation"], "/subject/operation")
    disclosed = _read.objects(section["disclosed"], "/subject/disclosed", DISCLOSED_MAX)
    return Subject(operation, disclosed)


def _read_content(section: JsonObject) -> Content:
    _read.members(section, "/content", frozenset({"cid", "profile", "size"}))
    text = _read.text(section["cid"], "/content/cid")
    try:
        cid = Cid.parse(text)
    except CidError as error:
        _refuse("bad_type", f"not a CID: {error.message}", "/content/cid")
    if str(cid) != text:
        _refuse("bad_type", "not the usual spelling of its CID", "/content/cid")
    profile = _read.text(section["profile"], "/content/profile")
    return Content(cid, profile, _read.count(section["size"], "/content/size"))


def _read_authority(section: JsonObject) -> Authority:
    _read.members(section, "/authority", frozenset(), frozenset({"grants", "keys", "state"}))
    if not section:
        _refuse("missing_member", "an empty section is left out", "/authority")
    wires = {
        name: _read.objects(section[name], f"/authority/{name}", maximum, minimum=1)
        for name, maximum in (("grants", GRANTS_MAX), ("keys", KEY_EVENTS_MAX))
        if name in section
    }
    state = None
    if "state" in section:
        at = "/authority/state"
        stated = _read.object(section["state"], at)
        _read.members(stated, at, frozenset({"index", "note", "path"}))
        state = AuthorityState(
            note=_read.text(stated["note"], f"{at}/note"),
            index=_read.count(stated["index"], f"{at}/index"),
            path=_read_path(stated["path"], f"{at}/path"),
        )
    return Authority(wires.get("grants", ()), wires.get("keys", ()), state)


def _read_path(value: JsonValue, at: str) -> bytes:
    try:
        return base64_decode(_read.string(value, at))
    except EncodingError as error:
        _refuse("bad_type", error.message, at)


def _read_log(section: JsonObject) -> Log:
    _read.members(section, "/log", frozenset({"index", "origin", "path", "size"}))
    path = _read_path(section["path"], "/log/path")
    return Log(
        origin=_read.text(section["origin"], "/log/origin"),
        index=_read.count(section["index"], "/log/index"),
        size=_read.count(section["size"], "/log/size"),
        path=path,
    )


def _read_checkpoint(section: JsonObject) -> Checkpoint:
    _read.members(section, "/checkpoint", frozenset({"note", "vkeys"}))
    note = _read.text(section["note"], "/checkpoint/note")
    texts = _read.array(section["vkeys"], "/checkpoint/vkeys", VKEYS_MAX, minimum=1)
    vkeys = tuple(_read_vkey(text, f"/checkpoint/vkeys/{at}") for at, text in enumerate(texts))
    keys = [vkey_order(vkey) for vkey in vkeys]
    if any(first >= second for first, second in pairwise(keys)):
        _refuse("not_canonical", "keys ascend by their bytes, each once", "/checkpoint/vkeys")
    return Checkpoint(note, vkeys)


def _read_vkey(value: JsonValue, at: str) -> VerifierKey:
    text = _read.text(value, at)
    try:
        vkey = parse_vkey(text)
    except BadNote as error:
        _refuse("bad_type", error.message, at)
    if vkey.key_type not in _VKEY_TYPES:
        _refuse("bad_type", "not a key of type 01, 04 or 06", at)
    return vkey
