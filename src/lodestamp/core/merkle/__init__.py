"""One Merkle tree for everything: RFC 9162 over SHA-256, its proofs and its tiles (DESIGN D4)."""

from lodestamp.core.merkle.frontier import Frontier
from lodestamp.core.merkle.proof import (
    ConsistencyProof,
    InclusionProof,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from lodestamp.core.merkle.tiles import (
    TILE_WIDTH,
    HashReader,
    TileRef,
    decode_bundle,
    encode_bundle,
    parse_tile_path,
    tiles_for,
)
from lodestamp.core.merkle.tree import (
    EMPTY_ROOT,
    HASH_SIZE,
    SIZE_MAX,
    leaf_hash,
    leaf_hashes,
    node_hash,
    operation_leaf,
    root,
)
from lodestamp.core.merkle.whole import WholeTree

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "SIZE_MAX",
    "TILE_WIDTH",
    "ConsistencyProof",
    "Frontier",
    "HashReader",
    "InclusionProof",
    "TileRef",
    "WholeTree",
    "decode_bundle",
    "encode_bundle",
    "leaf_hash",
    "leaf_hashes",
    "node_hash",
    "operation_leaf",
    "parse_tile_path",
    "prove_consistency",
    "prove_inclusion",
    "root",
    "root_at",
    "root_from",
    "tiles_for",
    "verify_consistency",
    "verify_inclusion",
]
