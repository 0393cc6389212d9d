"""Every mount there is, by name; a new one is a line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from lodestamp.errors import UsageError
from lodestamp.faces.http import gateway, log, ops, ownership, pinning, sync, witness
from lodestamp.faces.http.application import Mount

MOUNTS: Final[Mapping[str, Mount]] = MappingProxyType(
    {
        "ipfs": gateway.MOUNT,
        "log": log.MOUNT,
        "ops": ops.MOUNT,
        "ownership": ownership.MOUNT,
        "pinning": pinning.MOUNT,
        "sync": sync.MOUNT,
        "witness": witness.MOUNT,
    }
)


def choose_mounts(names: Iterable[str]) -> tuple[Mount, ...]:
    """Return the mounts of these names, in their order; of none named, all.

    UsageError for a name that none has.
    """
    chosen = tuple(dict.fromkeys(names)) or tuple(MOUNTS)
    for name in chosen:
        if name not in MOUNTS:
            hint = f"there are {', '.join(MOUNTS)}"
            raise UsageError(f"no mount is called {name!r}", code="unknown-mount", hint=hint)
    return tuple(MOUNTS[name] for name in chosen)
