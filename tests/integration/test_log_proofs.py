"""Paths and consistency from stored tiles, across tile borders."""

from __future__ import annotations

import pytest

from homes import audited_node, foreign_evidence, reading
from lodestamp.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from lodestamp.core.transparency import open_note, parse_checkpoint
from lodestamp.errors import BadTreeProof, UsageError


def test_every_leaf_is_proven_and_every_checkpoint_extends_the_last(tmp_path):
    with audited_node(tmp_path / "home") as node:
        recorded = []
        roots = {}
        for size in (1, 2, 3, 255, 256, 257, 600):
            futures = [node.record_future(**reading(n)) for n in range(len(recorded), size)]
            recorded += [future.result() for future in futures]
            note = open_note(node.checkpoint(size), [node.log_key])
            roots[size] = parse_checkpoint(note.text).root
        for each in recorded[::37] + recorded[253:259]:
            for size, wanted in roots.items():
                if each.log_index < size:
                    path, root = node.inclusion(each.op_id, size)
                    assert root == wanted
                    verify_inclusion(leaf_hash(each.cid.encode()), path, root)
        sizes = sorted(roots)
        for size1 in sizes:
            for size2 in sizes:
                if size1 <= size2:
                    proof = node.consistency(size1, size2)
                    verify_consistency(proof, roots[size1], roots[size2])


def test_a_size_between_two_checkpoints_has_no_note(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.append([foreign_evidence(n).wire for n in range(2)])
        with pytest.raises(UsageError) as refused:
            node.checkpoint(1)
        assert refused.value.code == "no-checkpoint"


def test_sizes_outside_the_log_are_refused(tmp_path):
    with audited_node(tmp_path / "home") as node:
        recorded = node.record(**reading(1))
        node.record(**reading(2))
        with pytest.raises(UsageError):
            node.checkpoint(7)
        with pytest.raises(UsageError):
            node.consistency(1, 3)
        with pytest.raises(BadTreeProof):
            node.consistency(0, 2)
        with pytest.raises(UsageError):
            node.inclusion(recorded.op_id, 3)
        with pytest.raises(BadTreeProof):
            node.inclusion(node.record(**reading(3)).op_id, 2)
