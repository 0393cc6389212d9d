"""The numbers of sync, each with its reason."""

from __future__ import annotations

from typing import Final

HEADS_MAX: Final = 256
"""Ids in one question about heads: a DAG with more is merged by the next operation."""
IDS_MAX: Final = 1_000
"""Operations asked for by id at once: a full group of the recorder, 74 kB of ids."""
VECTOR_MAX: Final = 10_000
"""Chain ends in one vector: 1.5 MB at the longest labels; beyond that symbols cost less."""
VECTOR_SIZE_MAX: Final = 4 << 20
"""Bytes of a request with a vector: 10,000 ends with long labels."""
PUSH_SIZE_MAX: Final = 8 << 20
"""Bytes of one push: what is read, verified and answered in one request."""
PUSH_LINES_MAX: Final = 10_000
"""Operations in one push: what the recorder takes at once."""
PEER_ERRORS_MAX: Final = 16
"""Refused operations after which a peer is dropped: an honest one has none (S38)."""
IDS_SIZE_MAX: Final = 512 << 20
"""Bytes of a list of ids: sixteen million operations, kept in memory once."""
BATCH_SIZE_MAX: Final = 4 << 20
"""Bytes of received operations that wait to be recorded together."""
PIECE_SIZE_MAX: Final = 256 << 10
"""Bytes after which a stream is handed on, unless one operation is longer."""
SAMPLE_SPAN_MAX: Final = 200_000
"""Newest operations among which a common past is looked for; further back symbols cost less."""
UNCERTAIN_MAX: Final = 32
"""Operations that may travel needlessly after sampling: 32 of 1 kB are a few symbols' worth."""
KEY_AGE_S_MAX: Final = 86_400
"""Seconds that a key for symbols is used: op ids ground against it are useless a day later."""
PEER_KEYS_MAX: Final = 2
"""Keys of peers under which our own symbols are kept: 110 MB each at a million operations."""
ANSWER_SIZE_MAX: Final = 1 << 20
"""Bytes of an answer that is one document: heads and unknown ids take 40 kB."""
ATTEMPTS_MAX: Final = 3
"""Times a cut stream or a set that is gone is taken up again in one session."""
MISSING_ROUNDS_MAX: Final = 16
"""Rounds in which missing ancestors are asked for, before the peer is said to withhold them."""
