"""Commands: what a capability lets its holder do (operations spec §5).

A command is a path of one to four words, such as ``/claim/create``; it covers itself and every
longer path below it. Each is also an OAuth scope word, by a bijection: the first slash goes, the
others become colons.

>>> scope_of("/proof/create"), command_of("proof:create")
('proof:create', '/proof/create')
>>> command_covers("/claim", "/claim/create"), command_covers("/claim", "/claims")
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeGuard

from lodestamp.core.operations.fields import refuse
from lodestamp.core.operations.limits import COMMANDS_MAX
from lodestamp.errors import UsageError

READ_CLAIMS: Final = "/claim/read"
"""What every capability of version 1 allows, and all that it allows."""
USER_CLAIM: Final = "/claim/user"
"""What a claim needs that speaks with a person's own word (S20)."""

NEEDED_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "evidence": ("/evidence/create", "/proof/create"),
        "claim": ("/claim/create", "/proof/create"),
        "refutation": ("/refute",),
        "grant": ("/grant/create",),
        "attestation": ("/attest",),
        "notice": ("/attest",),
    }
)
"""For each type that is authored under a capability, the commands of which any one is needed.

A user claim needs `USER_CLAIM` instead. Types that are not listed are never authored under one.
"""

_is_command: Final = re.compile(r"(?:/[a-z][a-z0-9-]{0,31}){1,4}").fullmatch


def is_command(value: object) -> TypeGuard[str]:
    """Tell whether `value` is a text spelled exactly as a command."""
    return isinstance(value, str) and _is_command(value) is not None


def command_covers(held: str, asked: str) -> bool:
    """Tell whether who holds one command may do another: itself, or a path below it."""
    return asked == held or asked.startswith(held + "/")


def scope_of(command: str) -> str:
    """Return the OAuth scope word of a command; UsageError when it is none."""
    if not is_command(command):
        raise UsageError(f"{command!r:.80} is not a command", code="bad-command")
    return command[1:].replace("/", ":")


def command_of(scope: str) -> str:
    """Return the command of an OAuth scope word; UsageError when it names none."""
    command = "/" + scope.replace(":", "/")
    if "/" in scope or not is_command(command):
        raise UsageError(f"{scope!r:.80} is not a scope of ours", code="bad-scope")
    return command


def commands(value: object, name: str) -> None:
    """Accept 1 to 32 commands, ascending, each once; OpError ``bad-body``."""
    if type(value) is not list:
        refuse("not an array", name)
    if not 0 < len(value) <= COMMANDS_MAX:
        refuse(f"not 1 to {COMMANDS_MAX} commands", name)
    last = ""
    for index, command in enumerate(value):
        if not is_command(command):
            refuse("not a command", f"{name}/{index}")
        if command <= last:
            refuse("not ascending, or twice", f"{name}/{index}")
        last = command
