"""What the script machine answers: errors by the names of the vectors, verdicts, executions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

from lodestamp.core.bitcoin.opcodes import Op


class ScriptError(StrEnum):
    """Why a script failed, or OK. Values are the public vectors' names; `text` is a node's."""

    text: str

    def __new__(cls, name: str, text: str) -> Self:
        """Make a member of its name, and the sentence a node gives for it."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.text = text
        return member

    OK = "OK", "No error"
    UNKNOWN_ERROR = "UNKNOWN_ERROR", "unknown error"
    EVAL_FALSE = (
        "EVAL_FALSE",
        "Script evaluated without error but finished with a false/empty top stack element",
    )
    OP_RETURN = "OP_RETURN", "OP_RETURN was encountered"
    SCRIPT_SIZE = "SCRIPT_SIZE", "Script is too big"
    PUSH_SIZE = "PUSH_SIZE", "Push value size limit exceeded"
    OP_COUNT = "OP_COUNT", "Operation limit exceeded"
    STACK_SIZE = "STACK_SIZE", "Stack size limit exceeded"
    SIG_COUNT = "SIG_COUNT", "Signature count negative or greater than pubkey count"
    PUBKEY_COUNT = "PUBKEY_COUNT", "Pubkey count negative or limit exceeded"
    VERIFY = "VERIFY", "Script failed an OP_VERIFY operation"
    EQUALVERIFY = "EQUALVERIFY", "Script failed an OP_EQUALVERIFY operation"
    CHECKMULTISIGVERIFY = (
        "CHECKMULTISIGVERIFY",
        "Script failed an OP_CHECKMULTISIGVERIFY operation",
    )
    CHECKSIGVERIFY = "CHECKSIGVERIFY", "Script failed an OP_CHECKSIGVERIFY operation"
    NUMEQUALVERIFY = "NUMEQUALVERIFY", "Script failed an OP_NUMEQUALVERIFY operation"
    TEMPLATE_MISMATCH = (
        "TEMPLATE_MISMATCH",
        "Script failed an OP_CHECKTEMPLATEVERIFY operation",
    )
    BAD_OPCODE = "BAD_OPCODE", "Opcode missing or not understood"
    DISABLED_OPCODE = "DISABLED_OPCODE", "Attempted to use a disabled opcode"
    INVALID_STACK_OPERATION = (
        "INVALID_STACK_OPERATION",
        "Operation not valid with the current stack size",
    )
    INVALID_ALTSTACK_OPERATION = (
        "INVALID_ALTSTACK_OPERATION",
        "Operation not valid with the current altstack size",
    )
    UNBALANCED_CONDITIONAL = "UNBALANCED_CONDITIONAL", "Invalid OP_IF construction"
    NEGATIVE_LOCKTIME = "NEGATIVE_LOCKTIME", "Negative locktime"
    UNSATISFIED_LOCKTIME = "UNSATISFIED_LOCKTIME", "Locktime requirement not satisfied"
    SIG_HASHTYPE = "SIG_HASHTYPE", "Signature hash type missing or not understood"
    SIG_DER = "SIG_DER", "Non-canonical DER signature"
    MINIMALDATA = "MINIMALDATA", "Data push larger than necessary"
    SIG_PUSHONLY = "SIG_PUSHONLY", "Only push operators allowed in signatures"
    SIG_HIGH_S = "SIG_HIGH_S", "Non-canonical signature: S value is unnecessarily high"
    SIG_NULLDUMMY = "SIG_NULLDUMMY", "Dummy CHECKMULTISIG argument must be zero"
    PUBKEYTYPE = "PUBKEYTYPE", "Public key is neither compressed or uncompressed"
    CLEANSTACK = "CLEANSTACK", "Stack size must be exactly one after execution"
    MINIMALIF = "MINIMALIF", "OP_IF/NOTIF argument must be minimal"
    NULLFAIL = "NULLFAIL", "Signature must be zero for failed CHECK(MULTI)SIG operation"
    DISCOURAGE_UPGRADABLE_NOPS = (
        "DISCOURAGE_UPGRADABLE_NOPS",
        "NOPx reserved for soft-fork upgrades",
    )
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = (
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
        "Witness version reserved for soft-fork upgrades",
    )
    DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = (
        "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
        "Taproot version reserved for soft-fork upgrades",
    )
    DISCOURAGE_OP_SUCCESS = (
        "DISCOURAGE_OP_SUCCESS",
        "OP_SUCCESSx reserved for soft-fork upgrades",
    )
    DISCOURAGE_OP_CAT = "DISCOURAGE_OP_CAT", "OP_CAT reserved for soft-fork upgrades"
    DISCOURAGE_UPGRADABLE_PUBKEYTYPE = (
        "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
        "Public key version reserved for soft-fork upgrades",
    )
    WITNESS_PROGRAM_WRONG_LENGTH = (
        "WITNESS_PROGRAM_WRONG_LENGTH",
        "Witness program has incorrect length",
    )
    WITNESS_PROGRAM_WITNESS_EMPTY = (
        "WITNESS_PROGRAM_WITNESS_EMPTY",
        "Witness program was passed an empty witness",
    )
    WITNESS_PROGRAM_MISMATCH = "WITNESS_PROGRAM_MISMATCH", "Witness program hash mismatch"
    WITNESS_MALLEATED = "WITNESS_MALLEATED", "Witness requires empty scriptSig"
    WITNESS_MALLEATED_P2SH = (
        "WITNESS_MALLEATED_P2SH",
        "Witness requires only-redeemscript scriptSig",
    )
    WITNESS_UNEXPECTED = "WITNESS_UNEXPECTED", "Witness provided for non-witness script"
    WITNESS_PUBKEYTYPE = "WITNESS_PUBKEYTYPE", "Using non-compressed keys in segwit"
    SCHNORR_SIG_SIZE = "SCHNORR_SIG_SIZE", "Invalid Schnorr signature size"
    SCHNORR_SIG_HASHTYPE = "SCHNORR_SIG_HASHTYPE", "Invalid Schnorr signature hash type"
    SCHNORR_SIG = "SCHNORR_SIG", "Invalid Schnorr signature"
    TAPROOT_WRONG_CONTROL_SIZE = (
        "TAPROOT_WRONG_CONTROL_SIZE",
        "Invalid Taproot control block size",
    )
    TAPSCRIPT_VALIDATION_WEIGHT = (
        "TAPSCRIPT_VALIDATION_WEIGHT",
        "Too much signature validation relative to witness weight",
    )
    TAPSCRIPT_CHECKMULTISIG = (
        "TAPSCRIPT_CHECKMULTISIG",
        "OP_CHECKMULTISIG(VERIFY) is not available in tapscript",
    )
    TAPSCRIPT_MINIMALIF = (
        "TAPSCRIPT_MINIMALIF",
        "OP_IF/NOTIF argument must be minimal in tapscript",
    )
    OP_CODESEPARATOR = "OP_CODESEPARATOR", "Using OP_CODESEPARATOR in non-witness script"
    SIG_FINDANDDELETE = "SIG_FINDANDDELETE", "Signature is found in scriptCode"


class SigVersion(IntEnum):
    """By which rules a script runs and what its signatures sign."""

    BASE = 0
    WITNESS_V0 = 1
    TAPROOT = 2
    """The key path: a signature, no script."""
    TAPSCRIPT = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What a trace is given before each opcode: where the machine stands and what it holds."""

    version: SigVersion
    position: int
    """How many opcodes of this script came before."""
    op: Op
    pushed: bytes | None
    is_executed: bool
    """False inside a branch that is not taken."""
    stack: tuple[bytes, ...]
    altstack: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """How one script ended: both stacks, bottom first, the error, and at which opcode.

    `position` counts opcodes from 0; where no opcode failed it is the number of opcodes.
    """

    stack: tuple[bytes, ...]
    altstack: tuple[bytes, ...]
    error: ScriptError
    position: int

    @property
    def ok(self) -> bool:
        """Whether every opcode ran without error; what is on the stack is another question."""
        return self.error is ScriptError.OK


@dataclass(frozen=True, slots=True)
class ScriptVerdict:
    """Whether an input may spend its output, and what finding out took."""

    error: ScriptError
    sigops: int
    """Signatures that were checked; each key tried in CHECKMULTISIG counts."""
    validation_budget_left: int | None
    """What is left of BIP-342's budget; None where no tapscript ran."""
    steps: int
    """Opcodes read, in all scripts of the input."""
    position: int | None = None
    """The opcode that failed, in the script that ran last; None where no opcode did."""

    @property
    def ok(self) -> bool:
        """Whether the spend is valid under the flags it was judged by."""
        return self.error is ScriptError.OK
