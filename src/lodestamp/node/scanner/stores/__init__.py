"""Where scanned operations are kept: in memory, in SQLite, in PostgreSQL, by one contract."""

from lodestamp.node.scanner.stores.memory import MemoryStore
from lodestamp.node.scanner.stores.protocol import OperationsStore
from lodestamp.node.scanner.stores.rows import NOWHERE, Appended, BlockRow, Counts, Evidence, Reorg
from lodestamp.node.scanner.stores.sql import SqlStore

__all__ = [
    "NOWHERE",
    "Appended",
    "BlockRow",
    "Counts",
    "Evidence",
    "MemoryStore",
    "OperationsStore",
    "Reorg",
    "SqlStore",
]
