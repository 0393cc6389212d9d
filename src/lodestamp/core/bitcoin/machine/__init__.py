"""The script machine: legacy, version 0, taproot and tapscript, with OP_CAT and CTV behind flags.

Nothing a script or witness holds raises: every end has a name (`ScriptError`). The order of the
checks is Bitcoin Core's, so that the names are, too.
"""

from lodestamp.core.bitcoin.machine.flags import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    NONE,
    STANDARD,
    Flag,
    standard_flags,
)
from lodestamp.core.bitcoin.machine.frame import ELEMENT_SIZE_MAX, SpendContext, Trace
from lodestamp.core.bitcoin.machine.signatures import is_strict_der
from lodestamp.core.bitcoin.machine.verdict import (
    Execution,
    ScriptError,
    ScriptVerdict,
    SigVersion,
    Step,
)
from lodestamp.core.bitcoin.machine.verify import execute, verify_input, verify_transaction

__all__ = [
    "CONSENSUS",
    "CONSENSUS_CAT_CTV",
    "ELEMENT_SIZE_MAX",
    "NONE",
    "STANDARD",
    "Execution",
    "Flag",
    "ScriptError",
    "ScriptVerdict",
    "SigVersion",
    "SpendContext",
    "Step",
    "Trace",
    "execute",
    "is_strict_der",
    "standard_flags",
    "verify_input",
    "verify_transaction",
]
