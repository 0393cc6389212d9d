"""What sync stands on: a log to read, and its recorder, which everything received goes through."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lodestamp.node.recorder import Answer, read_head, read_leaves
from lodestamp.node.storage import Database
from lodestamp.node.sync.limits import KEY_AGE_S_MAX, PEER_KEYS_MAX
from lodestamp.node.sync.symbols import KEY_SIZE, Encoder

_ADDED_AT_ONCE: Final = 10_000


class SymbolSets:
    """The set of this log's operations under keys: ours, renewed daily, and those of peers."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.RLock()
        self._own = Encoder(secrets.token_bytes(KEY_SIZE))
        self._renew_at = clock() + KEY_AGE_S_MAX * 1000
        self._others: OrderedDict[bytes, Encoder] = OrderedDict()

    @property
    def key(self) -> bytes:
        """The key of the day, 16 random bytes: known to peers, and useless tomorrow."""
        with self._lock:
            if self._clock() >= self._renew_at:
                self._own = Encoder(secrets.token_bytes(KEY_SIZE))
                self._renew_at = self._clock() + KEY_AGE_S_MAX * 1000
            return self._own.key

    def under(self, key: bytes) -> Encoder:
        """Return the set as it is now, under our key or a peer's."""
        with self._lock:
            if key == self.key:
                encoder = self._own
            else:
                encoder = self._others.setdefault(key, Encoder(key))
                self._others.move_to_end(key)
                if len(self._others) > PEER_KEYS_MAX:
                    self._others.popitem(last=False)
            self._extend(encoder)
            return encoder

    def _extend(self, encoder: Encoder) -> None:
        with self._database.reading("reading the set of operations") as connection:
            size = read_head(connection).size
            for first in range(encoder.size, size, _ADDED_AT_ONCE):
                last = min(first + _ADDED_AT_ONCE, size)
                encoder.add(leaf.digest for leaf in read_leaves(connection, first, last))


@dataclass(frozen=True, slots=True)
class SyncStore:
    """A log, as sync sees it. `record` verifies, checks and stores like anybody's (S37)."""

    origin: str
    database: Database
    record: Callable[[Sequence[bytes], str], list[Answer]]
    """Takes wire forms and who sent them."""
    clock: Callable[[], int]
    """Unix milliseconds."""
    symbols: SymbolSets = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", SymbolSets(self.database, self.clock))
