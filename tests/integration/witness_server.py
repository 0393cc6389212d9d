"""A process to be killed: serves the witness of a home and says on stdout where."""

from __future__ import annotations

import sys

import lodestamp
from lodestamp.core.transparency import parse_vkey
from lodestamp.faces.http import Address, Listener, choose_mounts, make_application


def main(home: str, vkey: str) -> None:
    """Witness the log of this key until killed."""
    key = parse_vkey(vkey)
    with lodestamp.open(home) as node:
        node.public.witness.add_log(key.name, key)
        listener = Listener.bind(Address("127.0.0.1", 0))
        application = make_application(node, choose_mounts(["witness"]), listener.address.names)
        sys.stdout.write(f"{listener.address}\n")
        sys.stdout.flush()
        listener.run(application)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
