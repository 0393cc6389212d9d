"""A process to be killed: records for ever and says on stdout what was acknowledged."""

from __future__ import annotations

import sys
from collections import deque

import lodestamp

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
            number += 1
            while len(waiting) > WINDOW or (waiting and waiting[0].done()):
                recorded = waiting.popleft().result()
                sys.stdout.write(f"{recorded.log_index} {recorded.op_id}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
