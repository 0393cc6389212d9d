"""A covenant as a file: what is needed to fund and to spend it later (canonical JSON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

from lodestamp.core.bitcoin import TxOut
from lodestamp.core.content import covenant_layout
from lodestamp.core.covenants import (
    BatchMember,
    Content,
    Covenant,
    Kind,
    Member,
    Path,
    Reveal,
    at_depth,
    restore,
)
from lodestamp.core.encoding import JsonObject, JsonValue, canonical_json, parse_canonical
from lodestamp.core.merkle import InclusionProof
from lodestamp.errors import CovenantError, EncodingError, InputError

DOCUMENT_SIZE_MAX: Final = 262_144
"""Bytes of a covenant file: 41 leaves and a path of 8 blocks of 520 bytes, in hex, fit tenfold."""
FORMAT: Final = "lodestamp-covenant-file/1"
_FIELDS: Final = frozenset(
    {"format", "kind", "leaves", "network", "origin", "outputs", "r", "shows"}
)


@dataclass(frozen=True, slots=True)
class CovenantFile:
    """A covenant, its network, and what its spend needs: the outputs fixed, or what is shown."""

    covenant: Covenant
    network: str
    reveal: Reveal = None
    outputs: tuple[TxOut, ...] = ()
    origin: str | None = None

    def encode(self) -> bytes:
        """Return its canonical JSON."""
        cov = self.covenant
        return canonical_json(
            {
                "format": FORMAT,
                "kind": str(cov.kind),
                "leaves": [each.hex() for each in cov.leaves],
                "network": self.network,
                "origin": self.origin,
                "outputs": [each.encode().hex() for each in self.outputs],
                "r": None if cov.r is None else cov.r.hex(),
                "shows": _shows(self.reveal),
            }
        )

    @classmethod
    def decode(cls, encoded: bytes) -> CovenantFile:
        """Parse a covenant file; CovenantError ``file`` for anything `encode` would not write."""
        try:
            document = parse_canonical(encoded, size_max=DOCUMENT_SIZE_MAX)
            if set(document) != _FIELDS or document["format"] != FORMAT:
                _refuse("it has other fields")
            found = _read(document)
        except EncodingError as error:
            _refuse(error.message)
        except (KeyError, TypeError, ValueError, IndexError, InputError) as error:
            _refuse(str(error))
        if found.encode() != encoded:
            _refuse("it is not in its one form")
        return found


def _shows(reveal: Reveal) -> JsonValue:
    match reveal:
        case Content(content):
            return {"content": content.hex()}
        case Member(cid, proof):
            return {
                "cid": cid.hex(),
                "index": proof.index,
                "path": [each.hex() for each in proof.hashes],
                "size": proof.size,
            }
        case Path(levels, leaf):
            blocks: list[JsonValue] = [
                [each.prefix.hex(), each.digest.hex(), each.suffix.hex()] for each in levels
            ]
            return {"leaf": None if leaf is None else leaf.hex(), "levels": blocks}
        case _:
            return None


def _read(document: JsonObject) -> CovenantFile:
    r, network, origin = document["r"], document["network"], document["origin"]
    if not isinstance(network, str) or not isinstance(origin, str | None):
        _refuse("a text is missing")
    leaves = [_hex(each) for each in _list(document["leaves"])]
    cov = restore(leaves, None if r is None else _hex(r))
    if cov.kind is not Kind(str(document["kind"])):
        _refuse("its leaves are of another kind")
    reveal = _reveal(document["shows"])
    if isinstance(cov.params, BatchMember) and isinstance(reveal, Member):
        cov = at_depth(cov, len(reveal.proof.hashes))
    outputs = tuple(TxOut.decode(_hex(each)) for each in _list(document["outputs"]))
    return CovenantFile(cov, network, reveal, outputs, origin)


def _reveal(shown: JsonValue) -> Reveal:
    if not isinstance(shown, dict):
        return None
    if "content" in shown:
        return Content(_hex(shown["content"]))
    if "cid" in shown:
        path = tuple(_hex(each) for each in _list(shown["path"]))
        proof = InclusionProof(_int(shown["index"]), _int(shown["size"]), path)
        return Member(_hex(shown["cid"]), proof)
    blocks = [[_hex(each) for each in _list(level)] for level in _list(shown["levels"])]
    levels = tuple(covenant_layout.Level(before, digest, after) for before, digest, after in blocks)
    return Path(levels, None if shown["leaf"] is None else _hex(shown["leaf"]))


def _hex(value: JsonValue) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else _refuse("bytes are hex")


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else _refuse("a list is missing")


def _int(value: JsonValue) -> int:
    return value if type(value) is int else _refuse("a number is missing")


def _refuse(why: str) -> NoReturn:
    raise CovenantError(f"the covenant file cannot be read: {why}", code="file")
