"""The recorder: verify, check causality, store, extend the tree, sign a checkpoint, acknowledge.

`Recorder` is the only writer; `log` reads and extends the tree inside a transaction; `audit`
re-derives everything from stored bytes and shares no code with the writer.
"""

from lodestamp.node.recorder.accelerated import accelerated_sweep, best_sweep
from lodestamp.node.recorder.audit import audit
from lodestamp.node.recorder.authoring import Authorship
from lodestamp.node.recorder.content_keys import erase_content_key, read_content_key
from lodestamp.node.recorder.exchange import (
    ChainEnd,
    Leaf,
    above,
    above_chains,
    chain_ends,
    count_equivocations,
    find_leaves,
    head_leaves,
    heads_digest,
    read_edges,
    read_leaves,
    read_wires,
)
from lodestamp.node.recorder.grants import (
    GrantChain,
    count_receipts,
    find_public_key,
    key_events_for,
    read_chain,
    revocations_of,
    said_under,
    speaks_for,
)
from lodestamp.node.recorder.graph import (
    DatabaseGraphSource,
    count_positions,
    save_snapshot,
    snapshot_size,
)
from lodestamp.node.recorder.key_logs import read_dids, read_key_log
from lodestamp.node.recorder.listing import (
    Listed,
    Wanted,
    cap_ids,
    deadline_of,
    find_listed,
    list_all,
    list_operations,
)
from lodestamp.node.recorder.log import (
    Log,
    check_published,
    checkpoint_note,
    consistency,
    create,
    inclusion,
    read_head,
)
from lodestamp.node.recorder.pool import missing_ids
from lodestamp.node.recorder.positions import place
from lodestamp.node.recorder.purging import purge
from lodestamp.node.recorder.queries import (
    find_operation,
    read_meta,
    replace_meta,
    signed_roots,
    write_meta,
)
from lodestamp.node.recorder.recorded import (
    Equivocated,
    Event,
    Recorded,
    RecordStatus,
    Released,
)
from lodestamp.node.recorder.recorder import LOCAL_PEER, Answer, Recorder
from lodestamp.node.recorder.rights import Rights, read_rights
from lodestamp.node.recorder.rows import Private
from lodestamp.node.recorder.tiles import TileReader

__all__ = [
    "LOCAL_PEER",
    "Answer",
    "Authorship",
    "ChainEnd",
    "DatabaseGraphSource",
    "Equivocated",
    "Event",
    "GrantChain",
    "Leaf",
    "Listed",
    "Log",
    "Private",
    "RecordStatus",
    "Recorded",
    "Recorder",
    "Released",
    "Rights",
    "TileReader",
    "Wanted",
    "above",
    "above_chains",
    "accelerated_sweep",
    "audit",
    "best_sweep",
    "cap_ids",
    "chain_ends",
    "check_published",
    "checkpoint_note",
    "consistency",
    "count_equivocations",
    "count_positions",
    "count_receipts",
    "create",
    "deadline_of",
    "erase_content_key",
    "find_leaves",
    "find_listed",
    "find_operation",
    "find_public_key",
    "head_leaves",
    "heads_digest",
    "inclusion",
    "key_events_for",
    "list_all",
    "list_operations",
    "missing_ids",
    "place",
    "purge",
    "read_chain",
    "read_content_key",
    "read_dids",
    "read_edges",
    "read_head",
    "read_key_log",
    "read_leaves",
    "read_meta",
    "read_rights",
    "read_wires",
    "replace_meta",
    "revocations_of",
    "said_under",
    "save_snapshot",
    "signed_roots",
    "snapshot_size",
    "speaks_for",
    "write_meta",
]
