"""The numbers that bound an operation (DESIGN D13, operations spec §13)."""

from __future__ import annotations

from typing import Final

OP_SIZE_MAX: Final = 262_144
"""Bytes of a wire form. Larger content goes to a block and is named by its CID."""
DEPTH_MAX: Final = 32
"""Open containers, the envelope being the first. Parsers elsewhere fail near 1,000."""
PREV_MAX: Final = 32
"""Parents of one operation. More heads than that are merged by the operations that follow."""
SOURCES_MAX: Final = 1_024
"""Sources of one claim: 1,024 ids of 74 bytes with their commas fit the wire form."""
NODE_LABEL_MAX: Final = 128
"""Code points of a node label we write. Version 1 on the wire names no bound, so we read more."""
CONFIDENCE_BP_MAX: Final = 10_000
"""Basis points: 10,000 is certainty."""
COMMANDS_MAX: Final = 32
"""Commands of one capability: every command there is, several times over."""
CHAIN_MAX: Final = 5
"""Links of a chain of capabilities: human, organisation, agent, sub-agent, tool."""
DEPTH_LEFT_MAX: Final = 4
"""Links that may follow the first of a chain of five."""
