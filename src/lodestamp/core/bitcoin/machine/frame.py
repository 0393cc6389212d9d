"""The state of one script while it runs, and what it may know of its transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lodestamp.core.bitcoin.machine.flags import Flag
from lodestamp.core.bitcoin.machine.verdict import ScriptError, SigVersion, Step
from lodestamp.core.bitcoin.script import ScriptStep
from lodestamp.core.bitcoin.sighash import NO_CODESEPARATOR, SignatureHashes
from lodestamp.core.bitcoin.tx import Transaction, TxIn, TxOut
from lodestamp.errors import UsageError

ELEMENT_SIZE_MAX: Final = 520
"""Bytes of one stack item, pushed or joined (R6)."""
STACK_ITEMS_MAX: Final = 1000
"""Items on stack and altstack together (R6)."""
SCRIPT_SIZE_MAX: Final = 10_000
"""Bytes of a script before taproot; in tapscript the block's weight bounds it (R6)."""
COUNTED_OPS_MAX: Final = 201
"""Opcodes above 60 in a script before taproot, keys of CHECKMULTISIG among them (R6)."""
MULTISIG_KEYS_MAX: Final = 20
"""Keys of one CHECKMULTISIG (R6)."""

Trace = Callable[[Step], None]
"""Called before each opcode."""

_MINIMALDATA: Final = Flag.MINIMALDATA.value


class SpendContext:
    """The input a script runs for: transaction, index, and the outputs the transaction spends.

    Share `hashes` between the inputs of one transaction. UsageError for an index it does not have,
    or when there is not one output per input.
    """

    __slots__ = ("annex", "hashes", "index", "tx")

    def __init__(
        self,
        tx: Transaction,
        index: int,
        spent: Sequence[TxOut],
        *,
        hashes: SignatureHashes | None = None,
    ) -> None:
        if not 0 <= index < len(tx.inputs):
            raise UsageError(f"the transaction has no input {index}")
        if hashes is not None and (hashes.tx is not tx or hashes.spent is not spent):
            raise UsageError("these signature hashes are of another transaction")
        self.tx = tx
        self.index = index
        self.hashes = hashes or SignatureHashes(tx, spent)
        self.annex: bytes | None = None

    @property
    def input(self) -> TxIn:
        """The input itself."""
        return self.tx.inputs[self.index]

    @property
    def spent(self) -> TxOut:
        """The output this input spends."""
        return self.hashes.spent[self.index]


class Tally:
    """What finding out has taken so far, over all scripts of an input."""

    __slots__ = ("budget", "position", "sigops", "steps", "trace")

    def __init__(self, trace: Trace | None = None) -> None:
        self.trace = trace
        self.steps = 0
        self.sigops = 0
        self.budget: int | None = None
        self.position: int | None = None


class Frame:
    """One running script. Operations change its stacks and return an error, or None to go on."""

    __slots__ = (
        "altstack", "budget", "code_start", "codeseparator", "conditions", "context", "flags",
        "is_minimal", "leaf_hash", "ops_counted", "position", "script", "skipping", "stack",
        "steps", "tally", "version",
    )  # fmt: skip

    def __init__(
        self,
        script: bytes,
        stack: list[bytes],
        version: SigVersion,
        *,
        context: SpendContext | None,
        flags: int,
        tally: Tally,
    ) -> None:
        self.script = script
        self.stack = stack
        self.altstack: list[bytes] = []
        self.version = version
        self.context = context
        self.flags = flags
        self.is_minimal = bool(flags & _MINIMALDATA)
        self.tally = tally
        self.steps: list[ScriptStep] = []
        self.position = 0
        self.ops_counted = 0
        self.conditions: list[bool] = []
        self.skipping = 0
        """How many of the open conditions are false; opcodes run while there is none."""
        self.code_start = 0
        """Where the code that signatures sign begins: after the last OP_CODESEPARATOR."""
        self.codeseparator = NO_CODESEPARATOR
        self.leaf_hash = b""
        self.budget = 0


Operation = Callable[[Frame], ScriptError | None]
"""What an opcode does to a frame."""
