"""The numbers that bound a data flow, each with its reason (flows spec §9)."""

from __future__ import annotations

from typing import Final

PACKET_CONTENT_MAX: Final = 64 << 10
"""Bytes of content a packet itself holds; more stays in the block store under its CID (R46)."""
BYTES_MODE_CONTENT_MAX: Final = 480 * 8**5
"""Bytes, 15 MiB: six witness items of 80 per leaf and five levels of eight links (R43)."""
DIGEST_MODE_CONTENT_MAX: Final = 1 << 40
"""Bytes, 1 TiB: what the block store takes as one file."""
PATTERN_OPERATIONS_MAX: Final = 64
"""Operations of one pattern: each is run twice in every flow, and once more to verify it."""
PATTERN_SIZE_MAX: Final = 64 << 10
"""Bytes of a pattern in canonical JSON; it is written by hand."""
METADATA_SIZE_MAX: Final = 64 << 10
"""Bytes of a packet's metadata in canonical JSON: it is stored anew at every transition."""
PACKET_SIZE_MAX: Final = 8 << 20
"""Bytes of a stored packet: metadata, 64 results of 520 bytes, and eight signed spends."""
BATCH_MAX: Final = 4_096
"""CIDs a batch in a packet may name; each costs two hashes in every run."""
PROOF_DEPTH_MAX: Final = 40
"""Siblings of a Merkle proof, as a T2 leaf takes."""
CHALLENGES_MAX: Final = 8
"""Leaves of one file that are bound, each by its own output and spend (R43)."""
ATTEMPTS_MAX: Final = 8
"""Times a stage is tried before it fails: some eight minutes of waiting in all (R40)."""
BACKOFF_S_MAX: Final = 300
"""Seconds between two tries of a stage (R40)."""
