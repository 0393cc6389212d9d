"""The roots of a log: key ids and DIDs whose authority its owner pins."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from lodestamp.core.encoding import is_content_address
from lodestamp.core.keys import is_did, is_key_id
from lodestamp.core.operations import NODE_LABEL_MAX, is_node_label
from lodestamp.errors import UsageError
from lodestamp.node import recorder
from lodestamp.node.storage import Database


def require_names(roots: Sequence[str] | None, node: str | None, cap: str | None) -> None:
    """Refuse what is no root, no node label or no cap_id; UsageError."""
    for root in roots or ():
        if not (is_key_id(root) or is_did(root)):
            raise UsageError(f"{root[:80]!r} is neither a key id nor a DID, so no root")
    if node is not None and not is_node_label(node):
        raise UsageError(f"a node label has 1 to {NODE_LABEL_MAX} characters, none a control")
    if cap is not None and not is_content_address(cap):
        raise UsageError(f"{cap[:80]!r} is no cap_id")


def pin_roots(database: Database, roots: Sequence[str] | None, own: str) -> None:
    """Pin what the owner says; a log that pins nothing yet pins the home's own key."""
    with database.reading("reading the roots") as connection:
        pinned = read_roots(connection)
    wanted = tuple(sorted(set(roots))) if roots is not None else pinned or (own,)
    if wanted != pinned:
        with database.writing("pinning the roots") as connection:
            recorder.replace_meta(connection, "roots", json.dumps(wanted))


def read_roots(connection: Connection) -> tuple[str, ...]:
    """Return the key ids and DIDs that the owner of this log pins."""
    stored = recorder.read_meta(connection, "roots")
    return () if stored is None else tuple(json.loads(stored))
