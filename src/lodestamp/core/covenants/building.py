"""From parameters to covenants: what may be built, and nothing else (R24-R26)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final

from lodestamp.core.bitcoin import WITNESS_ITEM_STANDARD_MAX, TxOut, sha256
from lodestamp.core.content import covenant_layout
from lodestamp.core.covenants.covenant import Covenant, planted
from lodestamp.core.covenants.elements import items_for, require_element
from lodestamp.core.covenants.forced import hash_outputs, hash_template
from lodestamp.core.covenants.kinds import (
    RAW_CID_HEAD,
    Anchor,
    BatchMember,
    ChainedAnchor,
    CidLock,
    DagPath,
    FixedOutputs,
    Kind,
    Params,
    Template,
)
from lodestamp.core.covenants.paths import check_path
from lodestamp.errors import CovenantError, ElementTooLarge, UsageError


def build(kind: Kind | str, **params: object) -> Covenant:
    """Build a covenant; pure, so that it may be built where it may not be funded (R21).

    T1: `content` (bytes, ≤ 520), or `cid` and `size`; `owner`; `chunks`, `relay`.
    T2: `root`, `owner`, and `size`, the leaves of the tree, or `depth` alone; `depth` chooses one.
    T2B: `path` (`covenant_layout.path`) and `leaf` or its digest, `owner`, `relay`; or `root`,
    `levels` and `chunks` as in `DagPath`.
    T3: `outputs`, or `template_hash`. T4: `outputs`, or `outputs_hash`.
    T5, T6: `owner`, or `anyone=True` (R24).
    All: `r`, 32 bytes, for an internal key other than NUMS.

    UsageError for other parameters; CovenantError for values out of range; ElementTooLarge for
    content or blocks beyond 520 bytes (R25).
    """
    try:
        make = _BUILDERS[Kind(kind)]
    except ValueError:
        raise UsageError(f"there is no covenant {kind!r}; there are {', '.join(Kind)}") from None
    r = params.pop("r", None)
    if r is not None and not isinstance(r, bytes):
        raise UsageError("r is 32 bytes")
    try:
        leaves = make(**params)
    except (TypeError, AttributeError) as error:
        raise UsageError(f"covenant {kind}: {error}") from error
    return planted(leaves, r)


def path_lengths(size: int) -> tuple[int, ...]:
    """Return the lengths that paths have in an RFC 9162 tree of so many leaves, longest first.

    At most as many as `size` has bits set. UsageError for no leaves.
    """
    if size < 1:
        raise UsageError("a tree has at least one leaf")
    lengths, above = set(), 0
    while size > 1:
        left = 1 << (size - 1).bit_length() - 1
        above += 1
        lengths.add(above + left.bit_length() - 1)
        size -= left
    return tuple(sorted({*lengths, above}, reverse=True))


def _cid_lock(
    *,
    owner: bytes,
    content: bytes | None = None,
    cid: bytes | None = None,
    size: int | None = None,
    chunks: int | None = None,
    relay: bool = True,
) -> list[Params]:
    if content is not None:
        if cid is not None or size is not None:
            raise UsageError("covenant T1: either the content, or its CID and size")
        cid, size = RAW_CID_HEAD + sha256(content), len(content)
    if cid is None or size is None or size < 0:
        raise UsageError("covenant T1: the content, or its CID and size, must be given")
    require_element("the content", size)
    needed = items_for(size, relay=relay)
    if chunks is not None and chunks < needed:
        raise ElementTooLarge(
            "an item of the content", WITNESS_ITEM_STANDARD_MAX, -(-size // chunks)
        )
    return [CidLock(cid, chunks or needed, owner)]


def _batch_member(
    *, root: bytes, owner: bytes, size: int | None = None, depth: int | None = None
) -> list[Params]:
    lengths = path_lengths(size) if size is not None else ()
    if depth is None and not lengths:
        raise UsageError("covenant T2: the size of the tree, or the depth of the leaf")
    if depth is not None:
        if lengths and depth not in lengths:
            raise CovenantError(f"no path of that tree has {depth} hashes", code="depth")
        lengths = lengths or (depth,)
    leaves = [BatchMember(root, length, owner) for length in lengths]
    return [*leaves]


def _dag_path(
    *,
    owner: bytes,
    path: Sequence[covenant_layout.Level] | None = None,
    leaf: bytes | None = None,
    root: bytes | None = None,
    levels: Sequence[tuple[int, int]] | None = None,
    chunks: int | None = None,
    relay: bool = True,
) -> list[Params]:
    if path is None:
        if root is None or levels is None or leaf is not None:
            raise UsageError(
                "covenant T2B: a path, or the root's digest and the items of its levels"
            )
        return [DagPath(root, tuple(levels), chunks, owner)]
    if root is not None or levels is not None or chunks is not None:
        raise UsageError("covenant T2B: root and items follow from the path")
    check_path(path, leaf)
    if leaf is not None:
        require_element("the leaf", len(leaf))
    items = tuple(
        (items_for(len(each.prefix), relay=relay), items_for(len(each.suffix), relay=relay))
        for each in reversed(path)
    )
    top = path[0]
    digest = sha256(top.prefix + top.digest + top.suffix)
    shown = None if leaf is None else items_for(len(leaf), relay=relay)
    return [DagPath(digest, items, shown, owner)]


def _template(
    *, outputs: Sequence[TxOut] | None = None, template_hash: bytes | None = None
) -> list[Params]:
    if outputs is not None and template_hash is None:
        template_hash = hash_template(outputs)
    elif outputs is not None or template_hash is None:
        raise UsageError("covenant T3: either the outputs or the template hash")
    return [Template(template_hash)]


def _fixed_outputs(
    *, outputs: Sequence[TxOut] | None = None, outputs_hash: bytes | None = None
) -> list[Params]:
    if outputs is not None and outputs_hash is None:
        outputs_hash = hash_outputs(outputs)
    elif outputs is not None or outputs_hash is None:
        raise UsageError("covenant T4: either the outputs or their hash")
    return [FixedOutputs(outputs_hash)]


def _require_form(kind: Kind, owner: bytes | None, *, anyone: bool) -> None:
    if (owner is None) is not anyone:
        raise UsageError(f"covenant {kind}: an owner's key, or anyone=True, and not both")


def _anchor(*, owner: bytes | None = None, anyone: bool = False) -> list[Params]:
    _require_form(Kind.T5, owner, anyone=anyone)
    return [Anchor(owner)]


def _chained_anchor(*, owner: bytes | None = None, anyone: bool = False) -> list[Params]:
    _require_form(Kind.T6, owner, anyone=anyone)
    return [ChainedAnchor(owner)]


_BUILDERS: Final[MappingProxyType[Kind, Callable[..., list[Params]]]] = MappingProxyType(
    {
        Kind.T1: _cid_lock,
        Kind.T2: _batch_member,
        Kind.T2B: _dag_path,
        Kind.T3: _template,
        Kind.T4: _fixed_outputs,
        Kind.T5: _anchor,
        Kind.T6: _chained_anchor,
    }
)
