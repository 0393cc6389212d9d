"""Taproot's trees, tweaks and control blocks (BIP-341; bitcoin spec R14, R15).

>>> control_block(NUMS, Leaf(bytes([0x51])), Leaf(bytes([0x51]))).hex()[:18]
'c150929b74c1a04954'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from coincurve import PublicKey

from lodestamp.core.bitcoin.ecc import GROUP_ORDER, tweak_xonly
from lodestamp.core.bitcoin.hashes import tagged_hash
from lodestamp.core.bitcoin.script import Script
from lodestamp.core.bitcoin.wire import var_bytes
from lodestamp.errors import KeyFormatError, MalformedScript, UsageError

LEAF_TAPSCRIPT: Final = 0xC0
"""The leaf version of BIP-342."""
ANNEX_TAG: Final = 0x50
"""The first byte of an annex; no leaf version may be mistaken for it."""
TREE_DEPTH_MAX: Final = 128
"""Levels of a script tree: a control block proves no leaf below that (BIP-341)."""
CONTROL_BASE_SIZE: Final = 33
NUMS: Final = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
"""The x of a point whose secret nobody knows: it is SHA-256 of G's encoding (BIP-341)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A script of a tree and its version, even and not the annex's tag; UsageError otherwise."""

    script: bytes
    version: int = LEAF_TAPSCRIPT

    def __post_init__(self) -> None:
        if not 0 <= self.version <= 0xFE or self.version & 1 or self.version == ANNEX_TAG:
            raise UsageError(f"{self.version:#x} is no leaf version")

    @property
    def hash(self) -> bytes:
        """The leaf's hash, 32 bytes."""
        return leaf_hash(self.script, self.version)

    @property
    def height(self) -> int:
        """How many levels lie below it: none."""
        return 0


@dataclass(frozen=True, slots=True)
class Branch:
    """Two subtrees; their order does not change the hash. UsageError beyond 128 levels."""

    left: Tree
    right: Tree
    hash: bytes = field(init=False, compare=False, repr=False)
    height: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        height = 1 + max(self.left.height, self.right.height)
        if height > TREE_DEPTH_MAX:
            raise UsageError(f"a script tree has at most {TREE_DEPTH_MAX} levels")
        object.__setattr__(self, "height", height)
        object.__setattr__(self, "hash", branch_hash(self.left.hash, self.right.hash))


Tree = Leaf | Branch


@dataclass(frozen=True, slots=True)
class ControlBlock:
    """What shows a leaf to be in an output key: version, parity, internal key, path upwards."""

    version: int
    parity: int
    internal: bytes
    path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return its 33 + 32·k bytes."""
        return bytes((self.version | self.parity,)) + self.internal + b"".join(self.path)

    def root_of(self, script: bytes) -> bytes:
        """Return the root of the tree that has `script` at this path, 32 bytes."""
        node = leaf_hash(script, self.version)
        for sibling in self.path:
            node = branch_hash(node, sibling)
        return node

    def commits_to(self, output: bytes, script: bytes) -> bool:
        """Whether the 32-byte output key holds `script` at this path."""
        try:
            tweak = tweak_hash(self.internal, self.root_of(script))
            return tweak_xonly(self.internal, tweak) == (output, self.parity)
        except KeyFormatError:
            return False


def leaf_hash(script: bytes, version: int = LEAF_TAPSCRIPT) -> bytes:
    """Return H_TapLeaf(version ‖ compact size ‖ script), 32 bytes."""
    return tagged_hash("TapLeaf", bytes((version,)) + var_bytes(script))


def branch_hash(one: bytes, other: bytes) -> bytes:
    """Return H_TapBranch of two hashes, the lesser first, 32 bytes."""
    return tagged_hash("TapBranch", one + other if one < other else other + one)


def tweak_hash(internal: bytes, root: bytes = b"") -> bytes:
    """Return H_TapTweak(internal key ‖ root), 32 bytes; no root where there is no script."""
    return tagged_hash("TapTweak", internal + root)


def output_key(internal: bytes, tree: Tree | None = None) -> tuple[bytes, int]:
    """Return the output key, 32 bytes, and the parity of its y.

    KeyFormatError when the internal key is no point or the tweak is not below the group's order.
    """
    return tweak_xonly(internal, tweak_hash(internal, tree.hash if tree else b""))


def output_script(internal: bytes, tree: Tree | None = None) -> Script:
    """Return the scriptPubKey, OP_1 and the output key, 34 bytes."""
    return Script(b"\x51\x20" + output_key(internal, tree)[0])


def control_block(internal: bytes, tree: Tree, leaf: Leaf) -> bytes:
    """Return the control block of a leaf, 33 + 32·k bytes; UsageError when the tree lacks it."""
    path = _path_to(tree, leaf)
    if path is None:
        raise UsageError("the tree has no such leaf")
    parity = output_key(internal, tree)[1]
    return ControlBlock(leaf.version, parity, internal, path).encode()


def _path_to(tree: Tree, leaf: Leaf) -> tuple[bytes, ...] | None:
    """Return the hashes beside the way from the leaf up to the root."""
    waiting: list[tuple[Tree, tuple[bytes, ...]]] = [(tree, ())]
    while waiting:
        node, path = waiting.pop()
        if isinstance(node, Branch):
            waiting.append((node.right, (node.left.hash, *path)))
            waiting.append((node.left, (node.right.hash, *path)))
        elif node == leaf:
            return path
    return None


def parse_control_block(encoded: bytes) -> ControlBlock:
    """Take a control block apart; MalformedScript ``control-block`` for a size no tree gives."""
    levels, rest = divmod(len(encoded) - CONTROL_BASE_SIZE, 32)
    if rest or not 0 <= levels <= TREE_DEPTH_MAX:
        raise MalformedScript("control-block", f"a control block of {len(encoded)} bytes")
    path = tuple([encoded[33 + 32 * k : 65 + 32 * k] for k in range(levels)])
    return ControlBlock(encoded[0] & 0xFE, encoded[0] & 1, encoded[1:33], path)


def nums_with(r: int | bytes) -> bytes:
    """Return NUMS + r·G as an x-only key; with r published, as unspendable as NUMS (R15).

    `r` is in 1..n-1, as a number or 32 bytes, big-endian; KeyFormatError otherwise.
    """
    scalar = r if isinstance(r, int) else int.from_bytes(r, "big")
    is_sized = isinstance(r, int) or len(r) == 32
    if not is_sized or not 0 < scalar < GROUP_ORDER:
        raise KeyFormatError("r is a number in 1..n-1")
    point = PublicKey(b"\x02" + NUMS).add(scalar.to_bytes(32, "big"))
    return bytes(point.format()[1:])


def is_unspendable_key(internal: bytes, r: int | bytes | None = None) -> bool:
    """Whether an internal key is NUMS, or NUMS + r·G for the r that was published."""
    if r is None:
        return internal == NUMS
    try:
        return internal == nums_with(r)
    except KeyFormatError:
        return False
