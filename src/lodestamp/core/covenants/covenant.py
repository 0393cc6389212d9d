"""A covenant: its leaf in a tree under a key that nobody holds (covenants spec R23-R26).

>>> from lodestamp.core.covenants.kinds import Template
>>> recognise(write_leaf(Template(bytes(32)))).kind
<Kind.T3: 'T3'>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lodestamp.core.bitcoin import (
    NUMS,
    Branch,
    Leaf,
    NetworkParams,
    Script,
    Tree,
    control_block,
    encode_address,
    leaf_hash,
    nums_with,
    output_script,
)
from lodestamp.core.covenants.kinds import (
    BatchMember,
    Kind,
    Params,
    deployments_of,
    owner_of,
)
from lodestamp.core.covenants.templates import read_leaf, write_leaf
from lodestamp.errors import CovenantError


@dataclass(frozen=True, slots=True)
class Covenant:
    """One leaf of a tree that can be spent by its leaves only.

    `internal_key` is NUMS, or NUMS + r·G where `r`, 32 bytes, is published. A batch member's tree
    has one leaf per length of path; `leaf` is the one this value is about.
    """

    kind: Kind
    params: Params
    leaf: Script
    tree: Tree
    internal_key: bytes
    script_pubkey: Script
    r: bytes | None = None

    @property
    def leaf_hash(self) -> bytes:
        """The tapleaf's hash, 32 bytes."""
        return leaf_hash(self.leaf)

    @property
    def control_block(self) -> bytes:
        """What shows the leaf to be in the output key, 33 bytes and 32 per level above it."""
        return control_block(self.internal_key, self.tree, Leaf(self.leaf))

    @property
    def owner(self) -> bytes | None:
        """The x-only key that must sign a spend; None where no key is asked for (R24)."""
        return owner_of(self.params)

    @property
    def deployments(self) -> frozenset[str]:
        """The soft forks a chain must have active before a coin may go here (R21)."""
        return deployments_of(self.kind)

    @property
    def leaves(self) -> tuple[bytes, ...]:
        """Every script of the tree."""
        return leaves_of(self.tree)


def leaves_of(tree: Tree) -> tuple[bytes, ...]:
    """Return every script of a tree, left to right."""
    waiting, found = [tree], []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Branch):
            waiting += [node.right, node.left]
        else:
            found.append(node.script)
    return tuple(found)


def tree_of(scripts: Sequence[bytes]) -> Tree:
    """Return the tree of a covenant's leaves: each above all that follow it, the last two level."""
    tree: Tree = Leaf(scripts[-1])
    for script in reversed(scripts[:-1]):
        tree = Branch(Leaf(script), tree)
    return tree


def recognise(leaf: bytes) -> Covenant | None:
    """Return the covenant whose only leaf this is, under NUMS; None for any other script (R23)."""
    params = read_leaf(leaf)
    return None if params is None else planted([params], None)


def restore(leaves: Sequence[bytes], r: bytes | None = None) -> Covenant:
    """Return the covenant of these leaves, the first of them in hand.

    CovenantError ``unrecognised-leaf`` where one is no template of ours, or there is none (R23).
    """
    params = [read_leaf(each) for each in leaves]
    known = [each for each in params if each is not None]
    if not known or len(known) != len(params):
        raise CovenantError("a leaf is none of our templates", code="unrecognised-leaf")
    return planted(known, r)


def at_depth(cov: Covenant, depth: int) -> Covenant:
    """Return the same coin's covenant by its leaf for paths of another length (R26).

    CovenantError ``depth`` when its tree has no such leaf.
    """
    for script in cov.leaves:
        params = read_leaf(script)
        if isinstance(params, BatchMember) and params.depth == depth:
            return Covenant(
                cov.kind,
                params,
                Script(script),
                cov.tree,
                cov.internal_key,
                cov.script_pubkey,
                cov.r,
            )
    raise CovenantError(f"the covenant has no leaf for a path of {depth} hashes", code="depth")


def address(cov: Covenant, net: NetworkParams) -> str:
    """Return the P2TR address. Whether it may be shown is the chain's to say (R21)."""
    return encode_address(cov.script_pubkey, net)


def planted(leaves: Sequence[Params], r: bytes | None) -> Covenant:
    """Return the covenant of these leaves; the first, spent most often, is nearest to the root."""
    scripts = [write_leaf(each) for each in leaves]
    tree = tree_of(scripts)
    internal = NUMS if r is None else nums_with(r)
    script = output_script(internal, tree)
    return Covenant(leaves[0].kind, leaves[0], scripts[0], tree, internal, script, r)
