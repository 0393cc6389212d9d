"""What two nodes say to each other."""

from __future__ import annotations

from homes import ALICE, NOW
from lodestamp.core.operations import build_op, evidence
from lodestamp.node.sync.messages import claimed_id


def test_s36_the_id_of_an_operation_is_not_one_that_its_body_names():
    """A stream that was cut is taken up after this id."""
    other = "sha256:" + "0" * 64
    content = {"op_id": other, "text": f'"op_id":"{other}"'}
    body = evidence(source="s", kind="k", content=content, captured_at=NOW)
    op = build_op(ALICE, "x", "evidence", body, (other,), NOW, version=2, seq=0)
    assert claimed_id(op.wire) == op.op_id
    assert claimed_id(b'{"op_id":"sha256:0"}') is None
