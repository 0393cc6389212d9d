"""A process to be killed: records for ever and says on stdout what was acknowledged."""

from __future__ import annotations

import sys
from collections import deque

import lodestamp
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import build_op, evidence

WINDOW = 64
"""Records under way at once, so that groups of many sizes are committed."""


def main(home: str, start: int) -> None:
    """Record evidence numbered from `start`; each acknowledged index is one line, unbuffered."""
    waiting = deque()
    with lodestamp.open(home) as node:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        number = start
        while True:
            content = {"n": number, "padding": "x" * (number % 700)}
            waiting.append(node.record_future(source="s", kind="k", content=content))
            if number % 16 == 0:
                _hand_in_child_first(node, number)
            number += 1
            while len(waiting) > WINDOW or (waiting and waiting[0].done()):
                recorded = waiting.popleft().result()
                sys.stdout.write(f"{recorded.log_index} {recorded.op_id}\n")
                sys.stdout.flush()


def _hand_in_child_first(node: lodestamp.Node, number: int) -> None:
    """Give the node two operations of a stranger: one waits, then its parent releases it."""
    stranger = SigningKey.from_seed("ed25519", b"s" * 32)
    body = evidence(source="s", kind="k", content={}, captured_at=number)
    label = f"stranger-{number}"
    parent = build_op(stranger, label, "evidence", body, (), 0, version=2, seq=0)
    child = build_op(stranger, label, "evidence", body, (parent.op_id,), 0, version=2, seq=1)
    node._recorder.submit([child.wire])
    if number % 32:
        node._recorder.submit([parent.wire])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
