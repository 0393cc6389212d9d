"""What a node says of a failed script, as the name of the rule (bitcoin spec R31)."""

from __future__ import annotations

import re
from typing import Final

from lodestamp.core.bitcoin import ScriptError

_FLAGGED: Final = re.compile(
    r"[\w-]*-?script-verify-flag[\w-]* \((.*?)\)(?:,.*| input .*)?$", re.DOTALL
)
_NAMES: Final = {each.text: str(each) for each in ScriptError if each is not ScriptError.OK}


def script_error_in(reason: str) -> str | None:
    """Return the name of the script rule a reject text speaks of; None when it speaks of none.

    The text is in the outer parentheses behind ``mandatory-`` or ``non-mandatory-`` and
    ``script-verify-flag``, with or without ``-failed``; newer nodes name the input behind it.

    >>> script_error_in("mandatory-script-verify-flag-failed (Push value size limit exceeded)")
    'PUSH_SIZE'
    """
    found = _FLAGGED.search(reason)
    return None if found is None else _NAMES.get(found[1].strip())
