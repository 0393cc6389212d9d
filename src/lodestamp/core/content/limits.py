"""What a block may hold, in numbers (content spec §11)."""

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
