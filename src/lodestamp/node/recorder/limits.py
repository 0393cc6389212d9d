"""The recorder's numbers, each with its reason."""

from __future__ import annotations

from typing import Final

FLUSH_OPERATIONS_MAX: Final = 1_000
"""Operations that wait before a group is committed: one sync to disk is shared by all of them."""
FLUSH_WAIT_S_MAX: Final = 0.250
"""Seconds that the first operation of a group waits for others (operations spec N3)."""
FLUSH_IDLE_S_MAX: Final = 0.010
"""Seconds without another operation after which a group is committed."""
QUEUE_MAX: Final = 10_000
"""Submissions waiting for the writer; beyond that callers wait, so memory stays bounded."""
SUBMIT_MAX: Final = 10_000
"""Operations handed in at once: ten full groups, and all of them are written in one transaction."""
CLOCK_SKEW_S_MAX: Final = 120
"""Seconds an operation may be ahead of our clock: laptops without NTP (operations spec §13)."""
PENDING_OPERATIONS_MAX: Final = 10_000
"""Operations that wait for one peer: bounds what a hostile one can make us keep (N6)."""
PENDING_BYTES_MAX: Final = 64 << 20
"""Bytes that wait for one peer (N6)."""
PEER_LENGTH_MAX: Final = 256
"""Characters of a peer's name: a URL or a key id, not a text of its own."""
REFUSED_MAX: Final = 100_000
"""Ids remembered after they were rejected or put out of the pool: 5 MB (N6)."""
RELEASE_MAX: Final = 1_000
"""Held operations tried again in one transaction; the next one goes on."""
WALKED_MAX: Final = 300_000
"""Leaves read in search of ancestors for one peer in one transaction: a second of the writer.

What that peer sent beyond it is held, and tried again a second later."""
PAST_AFTER: Final = 1_000
"""Leaves after which a search keeps the whole past of a leaf it met: the next one ends there."""
PASTS_BYTES_MAX: Final = 32 << 20
"""Bytes of pasts kept, a bit a leaf: 256 of them in a log of a million."""
