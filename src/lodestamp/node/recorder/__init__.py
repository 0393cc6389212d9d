"""The recorder: verify, check causality, store, extend the tree, sign a checkpoint, acknowledge.

`Recorder` is the only writer; `log` reads and extends the tree inside a transaction; `audit`
re-derives everything from stored bytes and shares no code with the writer.
"""

from lodestamp.node.recorder.accelerated import accelerated_sweep, best_sweep
from lodestamp.node.recorder.audit import audit
from lodestamp.node.recorder.authoring import Authorship
from lodestamp.node.recorder.graph import DatabaseGraphSource, save_snapshot
from lodestamp.node.recorder.key_logs import read_dids, read_key_log
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
from lodestamp.node.recorder.purging import purge
from lodestamp.node.recorder.queries import find_operation, read_meta, replace_meta, write_meta
from lodestamp.node.recorder.recorded import (
    Equivocated,
    Event,
    Recorded,
    RecordStatus,
    Released,
)
from lodestamp.node.recorder.recorder import LOCAL_PEER, Answer, Recorder
from lodestamp.node.recorder.rows import Private

__all__ = [
    "LOCAL_PEER",
    "Answer",
    "Authorship",
    "DatabaseGraphSource",
    "Equivocated",
    "Event",
    "Log",
    "Private",
    "RecordStatus",
    "Recorded",
    "Recorder",
    "Released",
    "accelerated_sweep",
    "audit",
    "best_sweep",
    "check_published",
    "checkpoint_note",
    "consistency",
    "create",
    "find_operation",
    "inclusion",
    "missing_ids",
    "purge",
    "read_dids",
    "read_head",
    "read_key_log",
    "read_meta",
    "replace_meta",
    "save_snapshot",
    "write_meta",
]
