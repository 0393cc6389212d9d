"""Bitcoin, checked by our own code: transactions, scripts, signature hashes, taproot."""

from lodestamp.core.bitcoin.asm import from_asm, to_asm
from lodestamp.core.bitcoin.hashes import hash160, ripemd160, sha256, sha256d, tagged_hash
from lodestamp.core.bitcoin.opcodes import OP_SUCCESSES, Op
from lodestamp.core.bitcoin.script import (
    Script,
    as_bool,
    is_p2sh,
    is_push_only,
    iter_ops,
    num_decode,
    num_encode,
    push,
    push_bytes,
    witness_program,
)
from lodestamp.core.bitcoin.tx import (
    MAX_MONEY,
    NULL_TXID,
    NULL_VOUT,
    SEQUENCE_FINAL,
    TX_BYTES_MAX,
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
)
from lodestamp.core.bitcoin.wire import Reader, compact_size, var_bytes, var_list

__all__ = [
    "MAX_MONEY",
    "NULL_TXID",
    "NULL_VOUT",
    "OP_SUCCESSES",
    "SEQUENCE_FINAL",
    "TX_BYTES_MAX",
    "Op",
    "OutPoint",
    "Reader",
    "Script",
    "Transaction",
    "TxIn",
    "TxOut",
    "Txid",
    "as_bool",
    "compact_size",
    "from_asm",
    "hash160",
    "is_p2sh",
    "is_push_only",
    "iter_ops",
    "num_decode",
    "num_encode",
    "push",
    "push_bytes",
    "ripemd160",
    "sha256",
    "sha256d",
    "tagged_hash",
    "to_asm",
    "var_bytes",
    "var_list",
    "witness_program",
]
