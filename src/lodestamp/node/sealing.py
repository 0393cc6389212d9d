"""Evidence whose content can be erased later by erasing a key, wherever copies of it went.

The content is sealed before it is signed: AES-256-GCM under a random key of its own, which stays in
this home. What is signed, sent and proven is the sealed form, so erasing touches no proof.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lodestamp.core.encoding import (
    JsonObject,
    base64_decode,
    base64_encode,
    canonical_json,
    parse_canonical,
)
from lodestamp.core.operations import DEPTH_MAX, OP_SIZE_MAX, evidence
from lodestamp.errors import EncodingError, LogCorrupt
from lodestamp.node.clock import now_ms, now_s
from lodestamp.node.recorder import (
    Private,
    Recorded,
    Recorder,
    erase_content_key,
    find_operation,
    read_content_key,
)
from lodestamp.node.storage import Database

SEALED_FORMAT: Final = "lodestamp-sealed/1"
_KEY_SIZE: Final = 32
_NONCE_SIZE: Final = 12


class SealedContent:
    """Records, opens and erases sealed evidence of one home."""

    def __init__(self, database: Database, writer: Recorder) -> None:
        self._database = database
        self._writer = writer

    def record(
        self,
        *,
        source: str,
        kind: str,
        content: JsonObject,
        captured_at: int | None = None,
        external_id: str | None = None,
    ) -> Recorded:
        """Record evidence whose content only this home can read; else as `Node.record`.

        `source`, `kind`, `external_id` and times stay readable to everybody.
        """
        key = secrets.token_bytes(_KEY_SIZE)
        body = evidence(
            source=source,
            kind=kind,
            content=_seal(key, source, kind, content),
            captured_at=now_s() if captured_at is None else captured_at,
            external_id=external_id,
        )
        private = Private(content_key=key)
        return self._writer.author("evidence", body, private=private).result()

    def open(self, op_id: str) -> JsonObject:
        """Return the content of evidence that this home sealed.

        UnknownOperation, RecordError ``not-sealed``, ``erased`` or ``purged`` when there is none
        to be read; LogCorrupt when the key does not open it.
        """
        with self._database.reading("opening a sealed content") as connection:
            key = read_content_key(connection, op_id)
            body = find_operation(connection, op_id).operation.body
        return _open(key, str(body["source"]), str(body["kind"]), body["content"])

    def erase(self, op_id: str) -> bool:
        """Erase the key, for ever; False when it was erased before.

        The operation, its leaf and every proof stand; nobody can read the content any more. Errors
        as `erase_content_key`. Copies of this home made before, such as backups, still have it.
        """
        return erase_content_key(self._database, op_id, now_ms())


def _seal(key: bytes, source: str, kind: str, content: JsonObject) -> JsonObject:
    nonce = secrets.token_bytes(_NONCE_SIZE)
    plain = canonical_json(content, depth_max=DEPTH_MAX)
    box = AESGCM(key).encrypt(nonce, plain, _context(source, kind))
    return {
        "format": SEALED_FORMAT,
        "nonce": base64_encode(nonce),
        "box": base64_encode(box),
    }


def _open(key: bytes, source: str, kind: str, content: object) -> JsonObject:
    try:
        if not isinstance(content, dict) or content.get("format") != SEALED_FORMAT:
            raise LogCorrupt("there is a key to a content that is not sealed")
        nonce, box = (base64_decode(str(content.get(name))) for name in ("nonce", "box"))
        plain = AESGCM(key).decrypt(nonce, box, _context(source, kind))
        opened = parse_canonical(plain, size_max=OP_SIZE_MAX, depth_max=DEPTH_MAX)
    except (EncodingError, InvalidTag, ValueError) as error:
        raise LogCorrupt("the key of a sealed content does not open it") from error
    return opened


def _context(source: str, kind: str) -> bytes:
    """Return what is sealed in with the content: it cannot be moved to another source or kind."""
    return SEALED_FORMAT.encode("ascii") + b"\n" + canonical_json([source, kind])
