"""What a block, a DAG and a walk over it may hold, in numbers (content spec §11)."""

from __future__ import annotations

from typing import Final

BLOCK_SIZE_MAX: Final = 2_097_152
"""Bytes. Bitswap and public gateways pass no larger block on."""
CHUNK_SIZE_MAX: Final = BLOCK_SIZE_MAX - 256
"""Bytes of content in one leaf; the rest is room for its framing."""
LINKS_READ_MAX: Final = 65_536
"""Links read from one dag-pb node. A SHA-256 link takes 38 bytes, so a full block holds fewer."""
LINKS_WRITTEN_MAX: Final = 32_768
"""Links written into one file node: at most 62 bytes each with their blocksize, so a node fits."""
DAG_DEPTH_MAX: Final = 64
"""Levels of one file or one sharded directory: 2^64 bytes by two links a node need no more."""
NESTING_DEPTH_MAX: Final = 256
"""Directories within directories, and links of other formats one below the other."""
NAME_SIZE_MAX: Final = 4_096
"""Bytes of a name in a directory: more than any file system stores."""
PATH_SIZE_MAX: Final = 4_096
"""Bytes of a path, as file systems have it."""
PATH_SEGMENTS_MAX: Final = 256
"""Segments of a path: as many as directories may nest."""
OUTPUT_BYTES_MAX: Final = 64 << 30
"""Bytes one read or walk gives unless told otherwise: six blocks can declare 10^18."""
STEPS_MAX: Final = 10_000_000
"""Links one call looks at unless told otherwise, repeated ones each time: minutes of work."""
ENTRIES_MAX: Final = 1_000_000
"""Entries of one directory, read or written unless told otherwise."""
