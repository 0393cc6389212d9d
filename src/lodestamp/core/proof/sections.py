"""Reading the sections of a proof file that speak of the operation and its log (§9).

Every reader takes a section as JSON and returns its value, or raises the ProofFormatError of its
first defect.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NoReturn

from lodestamp.core.encoding import Cid, JsonObject, JsonValue
from lodestamp.core.proof.closed import ClosedReader
from lodestamp.core.proof.model import (
    DISCLOSED_MAX,
    GRANTS_MAX,
    KEY_EVENTS_MAX,
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
from lodestamp.errors import BadNote, CidError, ProofFormatError

_VKEY_TYPES: Final = frozenset({ED25519_NOTE, ED25519_COSIGNATURE, MLDSA44_COSIGNATURE})


def refuse(reason: str, message: str, at: str = "") -> NoReturn:
    """Raise the ProofFormatError ``format.<reason>`` of a file that is no proof of version 1."""
    raise ProofFormatError(f"format.{reason}", message, at=at)


reader: Final = ClosedReader(refuse)
"""Reads closed JSON as the types of the proof file's schema."""


def vkey_order(vkey: VerifierKey) -> bytes:
    """Return what carried keys are sorted by: the UTF-8 bytes of their text."""
    return vkey.text().encode()


def read_subject(section: JsonObject) -> Subject:
    """Read `subject`."""
    reader.members(section, "/subject", frozenset({"disclosed", "operation"}))
    operation = reader.object(section["operation"], "/subject/operation")
    disclosed = reader.objects(section["disclosed"], "/subject/disclosed", DISCLOSED_MAX)
    return Subject(operation, disclosed)


def read_content(section: JsonObject) -> Content:
    """Read `content`."""
    reader.members(section, "/content", frozenset({"cid", "profile", "size"}))
    text = reader.text(section["cid"], "/content/cid")
    try:
        cid = Cid.parse(text)
    except CidError as error:
        refuse("bad_type", f"not a CID: {error.message}", "/content/cid")
    if str(cid) != text:
        refuse("bad_type", "not the usual spelling of its CID", "/content/cid")
    profile = reader.text(section["profile"], "/content/profile")
    return Content(cid, profile, reader.count(section["size"], "/content/size"))


def read_authority(section: JsonObject) -> Authority:
    """Read `authority`."""
    reader.members(section, "/authority", frozenset(), frozenset({"grants", "keys", "state"}))
    if not section:
        refuse("missing_member", "an empty section is left out", "/authority")
    wires = {
        name: reader.objects(section[name], f"/authority/{name}", maximum, minimum=1)
        for name, maximum in (("grants", GRANTS_MAX), ("keys", KEY_EVENTS_MAX))
        if name in section
    }
    state = None
    if "state" in section:
        at = "/authority/state"
        stated = reader.object(section["state"], at)
        reader.members(stated, at, frozenset({"index", "note", "path"}))
        state = AuthorityState(
            note=reader.text(stated["note"], f"{at}/note"),
            index=reader.count(stated["index"], f"{at}/index"),
            path=reader.base64(stated["path"], f"{at}/path"),
        )
    return Authority(wires.get("grants", ()), wires.get("keys", ()), state)


def read_log(section: JsonObject) -> Log:
    """Read `log`."""
    reader.members(section, "/log", frozenset({"index", "origin", "path", "size"}))
    return Log(
        origin=reader.text(section["origin"], "/log/origin"),
        index=reader.count(section["index"], "/log/index"),
        size=reader.count(section["size"], "/log/size"),
        path=reader.base64(section["path"], "/log/path"),
    )


def read_checkpoint(section: JsonObject) -> Checkpoint:
    """Read `checkpoint`."""
    reader.members(section, "/checkpoint", frozenset({"note", "vkeys"}))
    note = reader.text(section["note"], "/checkpoint/note")
    texts = reader.array(section["vkeys"], "/checkpoint/vkeys", VKEYS_MAX, minimum=1)
    vkeys = tuple(_read_vkey(text, f"/checkpoint/vkeys/{at}") for at, text in enumerate(texts))
    keys = [str(text).encode() for text in texts]  # each is what `vkey_order` would spell again
    if any(first >= second for first, second in pairwise(keys)):
        refuse("not_canonical", "keys ascend by their bytes, each once", "/checkpoint/vkeys")
    return Checkpoint(note, vkeys)


def _read_vkey(value: JsonValue, at: str) -> VerifierKey:
    text = reader.text(value, at)
    try:
        vkey = parse_vkey(text)
    except BadNote as error:
        refuse("bad_type", error.message, at)
    if vkey.key_type not in _VKEY_TYPES:
        refuse("bad_type", "not a key of type 01, 04 or 06", at)
    return vkey
