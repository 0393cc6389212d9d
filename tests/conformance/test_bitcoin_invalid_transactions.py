"""Invalid transactions, written from the rules R1 to R3, R6, R10 to R14, each with its error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    MAX_MONEY,
    NUMS,
    STANDARD,
    Branch,
    Leaf,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    check_standard,
    check_transaction,
    control_block,
    ctv_hash,
    ecdsa_sign,
    from_asm,
    hash160,
    leaf_hash,
    num_encode,
    output_key,
    public_key,
    push,
    push_bytes,
    schnorr_sign,
    sha256,
    verify_input,
)
from lodestamp.core.bitcoin.ecc import GROUP_ORDER
from lodestamp.errors import MalformedTransaction, UsageError

SECRET, OTHER = bytes(31) + b"\x07", bytes(31) + b"\x08"
KEY, OTHER_KEY = public_key(SECRET), public_key(OTHER)
UNCOMPRESSED = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
P2TR = b"\x51\x20" + KEY[1:]


def plain(outputs=((1_000, P2TR), (2_000, P2TR)), version=2, locktime=0, sequences=(5, 6)):
    """Return a transaction of two inputs, and what they spend; input 0 is the one to judge."""
    inputs = [
        TxIn(OutPoint(bytes((n,)) * 32, n), sequence=each) for n, each in enumerate(sequences)
    ]
    tx = Transaction(version, tuple(inputs), tuple(TxOut(*each) for each in outputs), locktime)
    return tx, [TxOut(5_000, b"\x51"), TxOut(6_000, P2TR)]


def put(tx, script_sig=b"", witness=()):
    first = replace(tx.inputs[0], script_sig=script_sig, witness=tuple(witness))
    return replace(tx, inputs=(first, *tx.inputs[1:]))


def error_of(tx, spent, flags=CONSENSUS):
    return verify_input(tx, 0, spent, flags).error


# Bytes that are no transaction (R1)

SPENDING = bytes(36) + b"\x01\x51" + b"\xff\xff\xff\xff"
OUTPUT = b"\x01" + bytes(7) + b"\x01\x51"
LEGACY = b"\x02\x00\x00\x00\x01" + SPENDING + b"\x01" + OUTPUT + bytes(4)
SEGWIT = (
    b"\x02\x00\x00\x00\x00\x01\x01" + SPENDING + b"\x01" + OUTPUT + b"\x02\x01\x07\x00" + bytes(4)
)
PLACES = {
    "inputs": (LEGACY, 4), "script": (LEGACY, 41), "outputs": (LEGACY, 47),
    "output script": (LEGACY, 56), "witness inputs": (SEGWIT, 6), "witness items": (SEGWIT, 60),
    "witness item": (SEGWIT, 61),
}  # fmt: skip


def test_the_bytes_that_are_spoiled_below_are_transactions():
    assert Transaction.decode(LEGACY).encode() == LEGACY
    assert Transaction.decode(SEGWIT).encode() == SEGWIT
    assert all(wire[at] in {1, 2} for wire, at in PLACES.values())


@pytest.mark.parametrize("size", range(len(SEGWIT)))
def test_a_transaction_cut_short_is_malformed_wherever_it_is_cut(size):
    with pytest.raises(MalformedTransaction):
        Transaction.decode(SEGWIT[:size])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("first", "width"), [(0xFD, 2), (0xFE, 4), (0xFF, 8)])
def test_a_size_in_a_longer_form_is_malformed(place, first, width):
    wire, at = PLACES[place]
    longer = wire[:at] + bytes((first,)) + wire[at].to_bytes(width, "little") + wire[at + 1 :]
    with pytest.raises(MalformedTransaction) as refused:
        Transaction.decode(longer)
    assert (refused.value.code, refused.value.at) == ("non-canonical-size", at)


@pytest.mark.parametrize("place", PLACES)
def test_a_size_beyond_the_bytes_left_is_malformed(place):
    wire, at = PLACES[place]
    with pytest.raises(MalformedTransaction) as refused:
        Transaction.decode(wire[:at] + b"\xfe\xff\xff\xff\xff" + wire[at + 1 :])
    assert refused.value.code in {"count", "cut-short"}


MALFORMED = {
    "nothing": (b"", "cut-short"),
    "one byte after it": (LEGACY + b"\x00", "trailing"),
    "a second transaction after it": (LEGACY + LEGACY, "trailing"),
    "flag 00": (SEGWIT[:5] + b"\x00" + SEGWIT[6:], "marker"),
    "flag 02": (SEGWIT[:5] + b"\x02" + SEGWIT[6:], "marker"),
    "flag ff": (SEGWIT[:5] + b"\xff" + SEGWIT[6:], "marker"),
    "flag 03": (SEGWIT[:5] + b"\x03" + SEGWIT[6:], "marker"),
    "no witness though marked": (SEGWIT[:60] + b"\x00" + bytes(4), "superfluous-witness"),
    "no inputs though marked": (
        SEGWIT[:6] + b"\x00\x01" + OUTPUT + bytes(4),
        "superfluous-witness",
    ),
    "no inputs, in the stripped form": (b"\x02" + bytes(9), "marker"),
    "witness left out": (SEGWIT[:60] + b"\x01" + bytes(3), "cut-short"),
    "witness of two inputs for one": (SEGWIT[:64] + b"\x00" + bytes(4), "trailing"),
    "a script of four gigabytes": (LEGACY[:41] + b"\xfe\xff\xff\xff\xff" + bytes(9), "cut-short"),
    "two inputs announced": (LEGACY[:4] + b"\x02" + LEGACY[5:], "count"),
    "a thousand inputs announced": (LEGACY[:4] + b"\xfd\xe8\x03" + LEGACY[5:], "count"),
    "more than a block": (bytes(4_000_001), "size"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_bytes_that_are_no_transaction_say_why(name):
    wire, code = MALFORMED[name]
    with pytest.raises(MalformedTransaction) as refused:
        Transaction.decode(wire)
    assert refused.value.code == code


def test_a_witness_form_is_not_the_stripped_form_r2():
    with pytest.raises(MalformedTransaction):
        Transaction.decode(SEGWIT, witness=False)
    assert Transaction.decode(LEGACY, witness=False).encode() == LEGACY


UNFIT = {
    "version": Transaction(2**31, (), ()),
    "locktime": Transaction(2, (), (), 2**32),
    "negative locktime": Transaction(2, (), (), -1),
    "sequence": Transaction(2, (TxIn(OutPoint(bytes(32), 0), sequence=2**32),), ()),
    "vout": Transaction(2, (TxIn(OutPoint(bytes(32), -1)),), ()),
    "short txid": Transaction(2, (TxIn(OutPoint(bytes(31), 0)),), ()),
    "long txid": Transaction(2, (TxIn(OutPoint(bytes(33), 0)),), ()),
    "amount": Transaction(2, (), (TxOut(2**63, b""),)),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_value_that_fits_no_transaction_is_not_encoded(name):
    with pytest.raises(MalformedTransaction) as refused:
        UNFIT[name].encode()
    assert refused.value.code == "range"


@pytest.mark.parametrize("name", ["version", "locktime", "sequence", "vout", "amount"])
def test_a_value_that_fits_no_transaction_has_no_hashes(name):
    whole = plain()[0]
    unfit = replace(
        UNFIT[name],
        inputs=UNFIT[name].inputs or whole.inputs,
        outputs=UNFIT[name].outputs or whole.outputs,
    )
    with pytest.raises(MalformedTransaction):
        ctv_hash(unfit, 0) + unfit.txid
    spent = [TxOut(1, P2TR)] * len(unfit.inputs)
    signed = put(unfit, witness=(bytes(64),))
    with pytest.raises(MalformedTransaction):
        verify_input(signed, 0, spent, CONSENSUS)


def test_an_input_that_is_not_there_has_no_hashes():
    hashes = SignatureHashes(*plain())
    for index in (-1, 2):
        for ask in (hashes.taproot_message, hashes.taproot):
            with pytest.raises(UsageError):
                ask(index, 0)
        for ask in (hashes.legacy, hashes.witness_v0):
            with pytest.raises(UsageError):
                ask(index, b"", 1)


# Transactions that are invalid by themselves (R3)

COIN = TxIn(OutPoint(b"\x01" * 32, 0))
NULL = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), b"\x51\x51")
PAID = (TxOut(1, b"\x51"),)


def alone(inputs=(COIN,), outputs=PAID):
    return Transaction(2, inputs, outputs)


FAULTY = {
    "no inputs": (alone(inputs=()), "bad-txns-vin-empty"),
    "no outputs": (alone(outputs=()), "bad-txns-vout-empty"),
    "nothing at all": (alone((), ()), "bad-txns-vin-empty"),
    "a million bytes": (alone(outputs=(TxOut(1, bytes(999_946)),)), "bad-txns-oversize"),
    "amount of -1": (alone(outputs=(TxOut(-1, b""),)), "bad-txns-vout-negative"),
    "least amount": (alone(outputs=(TxOut(-(2**63), b""),)), "bad-txns-vout-negative"),
    "second amount of -1": (alone(outputs=(*PAID, TxOut(-1, b""))), "bad-txns-vout-negative"),
    "one over all money": (alone(outputs=(TxOut(MAX_MONEY + 1, b""),)), "bad-txns-vout-toolarge"),
    "greatest amount": (alone(outputs=(TxOut(2**63 - 1, b""),)), "bad-txns-vout-toolarge"),
    "all money and one more": (
        alone(outputs=(TxOut(MAX_MONEY, b""), TxOut(1, b""))), "bad-txns-txouttotal-toolarge"
    ),
    "sum that would wrap": (
        alone(outputs=(TxOut(MAX_MONEY, b""),) * 4_393), "bad-txns-txouttotal-toolarge"
    ),
    "one coin twice": (alone((COIN, COIN)), "bad-txns-inputs-duplicate"),
    "one coin twice, not side by side": (
        alone((COIN, TxIn(OutPoint(b"\x02" * 32, 0)), COIN)), "bad-txns-inputs-duplicate"
    ),
    "one coin twice, otherwise signed": (
        alone((COIN, replace(COIN, script_sig=b"\x51", sequence=1))), "bad-txns-inputs-duplicate"
    ),
    "coinbase of one byte": (alone((replace(NULL, script_sig=b"\x51"),)), "bad-cb-length"),
    "coinbase of nothing": (alone((replace(NULL, script_sig=b""),)), "bad-cb-length"),
    "coinbase of 101 bytes": (alone((replace(NULL, script_sig=bytes(101)),)), "bad-cb-length"),
    "null among others": (alone((COIN, NULL)), "bad-txns-prevout-null"),
    "null first of two": (alone((NULL, COIN)), "bad-txns-prevout-null"),
    "two nulls": (alone((NULL, NULL)), "bad-txns-inputs-duplicate"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_a_transaction_invalid_by_itself_has_its_reason_r3(name):
    tx, reason = FAULTY[name]
    assert check_transaction(tx) == reason


def test_transactions_at_every_limit_have_no_fault_r3():
    assert check_transaction(alone()) is None
    assert check_transaction(alone(outputs=(TxOut(MAX_MONEY, b""), TxOut(0, b"")))) is None
    biggest = alone(outputs=(TxOut(1, bytes(999_936)),))
    assert len(biggest.encode()) == 1_000_000
    assert check_transaction(biggest) is None
    for size in (2, 100):
        assert check_transaction(alone((replace(NULL, script_sig=bytes(size)),))) is None
    assert check_transaction(alone((replace(NULL, prevout=OutPoint(bytes(32), 0)),))) is None


# Signatures commit to everything they say they do (R12)

ECDSA_CODE = b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"
LEAF = Leaf(push(KEY[1:]) + b"\xac")
LEAF_KEY = output_key(NUMS, LEAF)[0]


def sign_legacy(tx, spent, hash_type=1):
    spent = [TxOut(spent[0].amount, ECDSA_CODE), *spent[1:]]
    digest = SignatureHashes(tx, spent).legacy(0, ECDSA_CODE, hash_type)
    sig = ecdsa_sign(digest, SECRET) + bytes((hash_type,))
    return put(tx, push(sig) + push(KEY)), spent


def sign_v0(tx, spent, hash_type=1):
    spent = [TxOut(spent[0].amount, b"\x00\x14" + hash160(KEY)), *spent[1:]]
    digest = SignatureHashes(tx, spent).witness_v0(0, ECDSA_CODE, hash_type)
    return put(tx, witness=(ecdsa_sign(digest, SECRET) + bytes((hash_type,)), KEY)), spent


def sign_key_path(tx, spent, hash_type=0, annex=None):
    spent = [TxOut(spent[0].amount, P2TR), *spent[1:]]
    digest = SignatureHashes(tx, spent).taproot(0, hash_type, annex=annex)
    sig = schnorr_sign(digest, SECRET, bytes(32)) + (bytes((hash_type,)) if hash_type else b"")
    return put(tx, witness=(sig,) if annex is None else (sig, annex)), spent


def sign_leaf(tx, spent, hash_type=0, annex=None):
    spent = [TxOut(spent[0].amount, b"\x51\x20" + LEAF_KEY), *spent[1:]]
    digest = SignatureHashes(tx, spent).taproot(0, hash_type, annex=annex, leaf_hash=LEAF.hash)
    sig = schnorr_sign(digest, SECRET, bytes(32)) + (bytes((hash_type,)) if hash_type else b"")
    witness = (sig, LEAF.script, control_block(NUMS, LEAF, LEAF))
    return put(tx, witness=witness if annex is None else (*witness, annex)), spent


SIGNERS = {
    "legacy": (sign_legacy, "EVAL_FALSE"),
    "v0": (sign_v0, "EVAL_FALSE"),
    "key path": (sign_key_path, "SCHNORR_SIG"),
    "leaf": (sign_leaf, "SCHNORR_SIG"),
}


def _input(tx, n, **changes):
    inputs = list(tx.inputs)
    inputs[n] = replace(inputs[n], **changes)
    return replace(tx, inputs=tuple(inputs))


def _output(tx, n, **changes):
    outputs = list(tx.outputs)
    outputs[n] = replace(outputs[n], **changes)
    return replace(tx, outputs=tuple(outputs))


CHANGES = {
    "version": lambda tx: replace(tx, version=1),
    "lock time": lambda tx: replace(tx, locktime=1),
    "own outpoint": lambda tx: _input(tx, 0, prevout=OutPoint(b"\x09" * 32, 0)),
    "own index": lambda tx: _input(tx, 0, prevout=OutPoint(bytes(32), 9)),
    "own sequence": lambda tx: _input(tx, 0, sequence=7),
    "other outpoint": lambda tx: _input(tx, 1, prevout=OutPoint(b"\x09" * 32, 0)),
    "other sequence": lambda tx: _input(tx, 1, sequence=7),
    "own output's amount": lambda tx: _output(tx, 0, amount=1_001),
    "own output's script": lambda tx: _output(tx, 0, script=b"\x52"),
    "other output's amount": lambda tx: _output(tx, 1, amount=1),
    "outputs in another order": lambda tx: replace(tx, outputs=tx.outputs[::-1]),
    "an output more": lambda tx: replace(tx, outputs=(*tx.outputs, TxOut(1, b"\x51"))),
    "an output less": lambda tx: replace(tx, outputs=tx.outputs[:1]),
}
FREE = {
    1: set(),
    2: {"own output's amount", "own output's script", "other output's amount",
        "outputs in another order", "an output more", "an output less", "other sequence"},
    3: {"other output's amount", "an output more", "an output less", "other sequence"},
    0x81: {"other outpoint", "other sequence"},
}  # fmt: skip
"""What each hash type leaves open; taproot closes the sequences of others under 2 and 3."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hash_type", FREE)
@pytest.mark.parametrize("signer", SIGNERS)
def test_a_signature_holds_only_for_what_its_hash_type_leaves_open_r12(signer, hash_type, change):
    sign, error = SIGNERS[signer]
    tx, spent = sign(*plain(), hash_type=hash_type)
    assert error_of(tx, spent) == "OK"
    free = change in FREE[hash_type]
    if change == "other sequence" and signer in {"key path", "leaf"}:
        free = bool(hash_type & 0x80)
    assert error_of(CHANGES[change](tx), spent) == ("OK" if free else error)


SPENT_CHANGES = {
    "own amount": lambda spent: [TxOut(4_999, spent[0].script), spent[1]],
    "other amount": lambda spent: [spent[0], TxOut(5_999, spent[1].script)],
    "other script": lambda spent: [spent[0], TxOut(spent[1].amount, b"\x52")],
}


@pytest.mark.parametrize("change", SPENT_CHANGES)
@pytest.mark.parametrize("signer", SIGNERS)
def test_which_spent_outputs_a_signature_commits_to_r12(signer, change):
    """None before segwit, the own amount in version 0, everything in taproot."""
    sign, error = SIGNERS[signer]
    tx, spent = sign(*plain())
    committed = signer in {"key path", "leaf"} or (signer == "v0" and change == "own amount")
    assert error_of(tx, SPENT_CHANGES[change](spent)) == (error if committed else "OK")


@pytest.mark.parametrize("signer", ["key path", "leaf"])
def test_a_taproot_signature_commits_to_the_annex_r12(signer):
    sign, error = SIGNERS[signer]
    tx, spent = sign(*plain(), annex=b"\x50note")
    witness = tx.inputs[0].witness
    assert error_of(tx, spent) == "OK"
    assert error_of(put(tx, witness=(*witness[:-1], b"\x50other")), spent) == error
    assert error_of(put(tx, witness=witness[:-1]), spent) == error


@pytest.mark.parametrize("hash_type", [4, 0x40, 0x80, 0x84, 0xFF])
@pytest.mark.parametrize("signer", ["key path", "leaf"])
def test_an_undefined_hash_type_has_no_taproot_hash_r12(signer, hash_type):
    sign, _ = SIGNERS[signer]
    tx, spent = sign(*plain(), hash_type=1)
    witness = tx.inputs[0].witness
    spoiled = (witness[0][:64] + bytes((hash_type,)), *witness[1:])
    assert error_of(put(tx, witness=spoiled), spent) == "SCHNORR_SIG_HASHTYPE"


@pytest.mark.parametrize("hash_type", [3, 0x83])
def test_single_without_its_output_has_no_taproot_hash_but_a_legacy_one_r12(hash_type):
    tx, spent = sign_key_path(*plain(), hash_type=hash_type)
    bare = replace(tx, outputs=())
    assert error_of(bare, spent) == "SCHNORR_SIG_HASHTYPE"
    one = SignatureHashes(bare, spent).legacy(0, b"", hash_type)
    assert one == (1).to_bytes(32, "little")


# Inputs that may not spend what they spend


def wrapped(script):
    return b"\xa9\x14" + hash160(script) + b"\x87"


def der_with_high_s(sig):
    r_size = sig[3]
    s = GROUP_ORDER - int.from_bytes(sig[6 + r_size : -1], "big")
    body = sig[2 : 4 + r_size] + b"\x02\x21\x00" + s.to_bytes(32, "big")
    return b"\x30" + bytes((len(body),)) + body + sig[-1:]


def base_case(script, script_sig, witness=(), flags=CONSENSUS):
    tx, spent = plain()
    return put(tx, script_sig, witness), [TxOut(5_000, script), spent[1]], flags


def v0_case(script, items, flags=CONSENSUS):
    return base_case(b"\x00\x20" + sha256(script), b"", (*items, script), flags)


def leaf_case(script, items, flags=CONSENSUS, *, internal=NUMS, version=0xC0):
    leaf = Leaf(script, version)
    key = output_key(internal, leaf)[0]
    witness = (*items, script, control_block(internal, leaf, leaf))
    return base_case(b"\x51\x20" + key, b"", witness, flags)


def signed_legacy(change, flags=CONSENSUS):
    """Sign a P2PKH spend and change the signature."""
    tx, spent = sign_legacy(*plain())
    size = tx.inputs[0].script_sig[0]
    sig = change(tx.inputs[0].script_sig[1 : 1 + size])
    return put(tx, push(sig) + push(KEY)), spent, flags


def sign_with_other():
    tx, spent = plain()
    digest = SignatureHashes(tx, spent).legacy(0, ECDSA_CODE, 1)
    return ecdsa_sign(digest, OTHER) + b"\x01"


def signed_v0(change, flags=CONSENSUS):
    tx, spent = sign_v0(*plain())
    sig, key = tx.inputs[0].witness
    return put(tx, witness=change(sig, key)), spent, flags


def signed_leaf(change, flags=CONSENSUS):
    tx, spent = sign_leaf(*plain())
    return put(tx, witness=change(*tx.inputs[0].witness)), spent, flags


def multisig(sigs, dummy=b"\x00", flags=CONSENSUS):
    """Return a bare 2-of-2 with the given signers, or bytes instead of a signature."""
    script = b"\x52" + push(KEY) + push(OTHER_KEY) + b"\x52\xae"
    tx, spent = plain()
    digest = SignatureHashes(tx, spent).legacy(0, script, 1)
    made = [s if len(s) != 32 else ecdsa_sign(digest, s) + b"\x01" for s in sigs]
    return base_case(script, dummy + b"".join(map(push, made)), (), flags)


def budget_case(count):
    """Return a leaf that checks one signature `count` times with a witness as small as can be."""
    script = push(KEY[1:]) + b"\x6e\xad" * count + b"\x6d\x51"
    leaf = Leaf(script)
    tx, spent = plain()
    spent = [TxOut(5_000, b"\x51\x20" + output_key(NUMS, leaf)[0]), spent[1]]
    digest = SignatureHashes(tx, spent).taproot(0, 0, leaf_hash=leaf.hash)
    sig = schnorr_sign(digest, SECRET, bytes(32))
    witness = (sig, script, control_block(NUMS, leaf, leaf))
    return put(tx, witness=witness), spent, CONSENSUS


def locked(asm, flags=CONSENSUS, **transaction):
    tx, spent = plain(**transaction)
    return tx, [TxOut(5_000, from_asm(asm)), spent[1]], flags


def template(change):
    tx, spent = plain()
    script = push(ctv_hash(tx, 0)) + b"\xb3"
    return change(tx), [TxOut(5_000, script), spent[1]], CONSENSUS_CAT_CTV


TRUE, FALSE = b"\x51", b"\x00"
POLICY = STANDARD
PAIR = Branch(Leaf(TRUE), Leaf(b"\x52"))
PAIR_BLOCK = control_block(NUMS, PAIR, Leaf(TRUE))
PAIR_SCRIPT = b"\x51\x20" + output_key(NUMS, PAIR)[0]
SPENDS = {
    "nothing left": (base_case(b"\x61", b""), "EVAL_FALSE"),
    "false left": (base_case(FALSE, b""), "EVAL_FALSE"),
    "negative zero left": (base_case(b"\x01\x80", b""), "EVAL_FALSE"),
    "scriptSig fails": (base_case(TRUE, b"\x6a"), "OP_RETURN"),
    "two items left": (base_case(TRUE, TRUE, (), POLICY), "CLEANSTACK"),
    "scriptSig with an opcode": (base_case(TRUE, b"\x61", (), POLICY), "SIG_PUSHONLY"),
    "scriptSig cut off": (base_case(TRUE, b"\x02\x01"), "BAD_OPCODE"),
    "witness for a plain script": (base_case(TRUE, b"", (b"x",)), "WITNESS_UNEXPECTED"),
    "witness for P2SH": (base_case(wrapped(TRUE), push_bytes(TRUE), (b"x",)), "WITNESS_UNEXPECTED"),
    "P2SH of another script": (base_case(wrapped(TRUE), push_bytes(b"\x52")), "EVAL_FALSE"),
    "P2SH with an opcode": (base_case(wrapped(TRUE), b"\x61" + push_bytes(TRUE)), "SIG_PUSHONLY"),
    "P2SH without script": (base_case(wrapped(TRUE), b""), "INVALID_STACK_OPERATION"),
    "P2SH of false": (base_case(wrapped(FALSE), push_bytes(FALSE)), "EVAL_FALSE"),
    "P2SH that empties the stack": (base_case(wrapped(b"\x61"), push_bytes(b"\x61")), "EVAL_FALSE"),
    "P2SH with an item left": (
        base_case(wrapped(TRUE), b"\x52" + push_bytes(TRUE), (), POLICY),
        "CLEANSTACK",
    ),
    "P2PKH of another key": (base_case(ECDSA_CODE, push(b"") + push(OTHER_KEY)), "EQUALVERIFY"),
    "P2PKH without key": (base_case(ECDSA_CODE, b""), "INVALID_STACK_OPERATION"),
    "P2PKH with an empty signature": (base_case(ECDSA_CODE, FALSE + push(KEY)), "EVAL_FALSE"),
    "signature of another key": (signed_legacy(lambda _: sign_with_other(), POLICY), "NULLFAIL"),
    "high S": (signed_legacy(der_with_high_s, POLICY), "SIG_HIGH_S"),
    "hash type 00": (signed_legacy(lambda sig: sig[:-1] + b"\x00", POLICY), "SIG_HASHTYPE"),
    "hash type 04": (signed_legacy(lambda sig: sig[:-1] + b"\x04", POLICY), "SIG_HASHTYPE"),
    "hash type 84": (signed_legacy(lambda sig: sig[:-1] + b"\x84", POLICY), "SIG_HASHTYPE"),
    "another hash type": (signed_legacy(lambda sig: sig[:-1] + b"\x02"), "EVAL_FALSE"),
    "DER tag 31": (signed_legacy(lambda sig: b"\x31" + sig[1:]), "SIG_DER"),
    "DER one too long": (signed_legacy(lambda sig: sig + b"\x01"), "SIG_DER"),
    "DER total wrong": (
        signed_legacy(lambda sig: sig[:1] + bytes((sig[1] + 1,)) + sig[2:]),
        "SIG_DER",
    ),
    "DER R no integer": (signed_legacy(lambda sig: sig[:2] + b"\x03" + sig[3:]), "SIG_DER"),
    "DER R empty": (
        signed_legacy(lambda _: bytes.fromhex("3006020002020001") + b"\x01"),
        "SIG_DER",
    ),
    "DER R negative": (signed_legacy(lambda _: bytes.fromhex("300602018002010101")), "SIG_DER"),
    "DER R padded": (signed_legacy(lambda _: bytes.fromhex("30070202000102010101")), "SIG_DER"),
    "DER S no integer": (signed_legacy(lambda _: bytes.fromhex("300602010103010101")), "SIG_DER"),
    "DER S negative": (signed_legacy(lambda _: bytes.fromhex("300602010102018001")), "SIG_DER"),
    "DER S padded": (signed_legacy(lambda _: bytes.fromhex("30070201010202000101")), "SIG_DER"),
    "DER S runs out": (signed_legacy(lambda _: bytes.fromhex("300602010102050101")), "SIG_DER"),
    "DER of eight bytes": (signed_legacy(lambda sig: sig[:8]), "SIG_DER"),
    "DER of 74 bytes": (signed_legacy(lambda _: b"\x30" + bytes(73)), "SIG_DER"),
    "R of zero": (signed_legacy(lambda _: bytes.fromhex("300602010002010101")), "EVAL_FALSE"),
    "S of zero": (signed_legacy(lambda _: bytes.fromhex("300602010102010001")), "EVAL_FALSE"),
    "2 of 2 with one signature": (multisig([SECRET, b""], flags=POLICY), "NULLFAIL"),
    "2 of 2 in the wrong order": (multisig([OTHER, SECRET], flags=POLICY), "NULLFAIL"),
    "2 of 2 with one signer twice": (multisig([SECRET, SECRET]), "EVAL_FALSE"),
    "2 of 2 with a dummy": (multisig([SECRET, OTHER], dummy=b"\x51"), "SIG_NULLDUMMY"),
    "2 of 2 without dummy": (multisig([SECRET, OTHER], dummy=b""), "INVALID_STACK_OPERATION"),
    "2 of 2 with a signature that is none": (multisig([SECRET, b"\x07"]), "SIG_DER"),
    "v0 program of 19 bytes": (base_case(b"\x00\x13" + bytes(19), b""), "EVAL_FALSE"),
    "v0 program of 21 bytes": (
        base_case(b"\x00\x15" + b"\x01" * 21, b"", (b"",)),
        "WITNESS_PROGRAM_WRONG_LENGTH",
    ),
    "v0 program of 31 bytes": (
        base_case(b"\x00\x1f" + b"\x01" * 31, b"", (b"",)),
        "WITNESS_PROGRAM_WRONG_LENGTH",
    ),
    "v0 program of 40 bytes": (
        base_case(b"\x00\x28" + b"\x01" * 40, b"", (b"",)),
        "WITNESS_PROGRAM_WRONG_LENGTH",
    ),
    "P2WSH without witness": (
        base_case(b"\x00\x20" + sha256(TRUE), b""),
        "WITNESS_PROGRAM_WITNESS_EMPTY",
    ),
    "P2WSH of another script": (
        base_case(b"\x00\x20" + sha256(TRUE), b"", (b"\x52",)),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "P2WSH with an item left": (v0_case(TRUE, (b"\x01",)), "CLEANSTACK"),
    "P2WSH that leaves nothing": (v0_case(b"\x61", ()), "CLEANSTACK"),
    "P2WSH of false": (v0_case(FALSE, ()), "EVAL_FALSE"),
    "P2WSH with an item of 521": (v0_case(b"\x75\x51", (bytes(521),)), "PUSH_SIZE"),
    "P2WSH of 10,001 bytes": (v0_case(bytes(10_000) + TRUE, ()), "SCRIPT_SIZE"),
    "P2WPKH with one item": (signed_v0(lambda sig, _: (sig,)), "WITNESS_PROGRAM_MISMATCH"),
    "P2WPKH with three": (signed_v0(lambda *w: (b"", *w)), "WITNESS_PROGRAM_MISMATCH"),
    "P2WPKH without any": (signed_v0(lambda *_: ()), "WITNESS_PROGRAM_MISMATCH"),
    "P2WPKH of another key": (signed_v0(lambda sig, _: (sig, OTHER_KEY)), "EQUALVERIFY"),
    "P2WPKH with a scriptSig": (
        base_case(b"\x00\x14" + bytes(19) + b"\x01", TRUE, (b"", b"")),
        "WITNESS_MALLEATED",
    ),
    "P2WPKH of an uncompressed key": (
        base_case(b"\x00\x14" + hash160(UNCOMPRESSED), b"", (b"", UNCOMPRESSED), POLICY),
        "WITNESS_PUBKEYTYPE",
    ),
    "nested program pushed with more": (
        base_case(
            wrapped(b"\x00\x14" + hash160(KEY)),
            b"\x51" + push_bytes(b"\x00\x14" + hash160(KEY)),
            (b"", KEY),
        ),
        "WITNESS_MALLEATED_P2SH",
    ),
    "nested program pushed by PUSHDATA1": (
        base_case(
            wrapped(b"\x00\x14" + hash160(KEY)), b"\x4c\x16\x00\x14" + hash160(KEY), (b"", KEY)
        ),
        "WITNESS_MALLEATED_P2SH",
    ),
    "unknown version": (
        base_case(b"\x52\x02\x01\x02", b"", (), POLICY),
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
    ),
    "version 1 of 33 bytes": (
        base_case(b"\x51\x21" + b"\x01" * 33, b"", (), POLICY),
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
    ),
    "nested taproot": (
        base_case(wrapped(P2TR), push_bytes(P2TR), (b"",), POLICY),
        "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM",
    ),
    "taproot without witness": (base_case(P2TR, b""), "WITNESS_PROGRAM_WITNESS_EMPTY"),
    "taproot with a scriptSig": (base_case(P2TR, TRUE, (bytes(64),)), "WITNESS_MALLEATED"),
    "key path with an empty signature": (base_case(P2TR, b"", (b"",)), "SCHNORR_SIG_SIZE"),
    "key path with 63 bytes": (base_case(P2TR, b"", (bytes(63),)), "SCHNORR_SIG_SIZE"),
    "key path with 66 bytes": (base_case(P2TR, b"", (bytes(66),)), "SCHNORR_SIG_SIZE"),
    "key path with zeros": (base_case(P2TR, b"", (bytes(64),)), "SCHNORR_SIG"),
    "key path of no point": (
        base_case(b"\x51\x20" + b"\xff" * 32, b"", (bytes(64),)),
        "SCHNORR_SIG",
    ),
    "key path with 00 written out": (base_case(P2TR, b"", (bytes(65),)), "SCHNORR_SIG_HASHTYPE"),
    "control block of 32 bytes": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block[:32])),
        "TAPROOT_WRONG_CONTROL_SIZE",
    ),
    "control block of 34 bytes": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block + b"\x00")),
        "TAPROOT_WRONG_CONTROL_SIZE",
    ),
    "control block of nothing": (
        signed_leaf(lambda sig, leaf, _: (sig, leaf, b"")),
        "TAPROOT_WRONG_CONTROL_SIZE",
    ),
    "control block of 129 levels": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block + bytes(32 * 129))),
        "TAPROOT_WRONG_CONTROL_SIZE",
    ),
    "one level too many": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block + bytes(32))),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "other parity": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, bytes((block[0] ^ 1,)) + block[1:])),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "other leaf version": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, bytes((block[0] ^ 2,)) + block[1:])),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "other internal key": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block[:1] + KEY[1:])),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "internal key that is no point": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf, block[:1] + b"\xff" * 32)),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "other leaf": (
        signed_leaf(lambda sig, leaf, block: (sig, leaf + b"\x61", block)),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "sibling missing": (
        base_case(PAIR_SCRIPT, b"", (TRUE, PAIR_BLOCK[:33])),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "other sibling": (
        base_case(PAIR_SCRIPT, b"", (TRUE, PAIR_BLOCK[:33] + bytes(32))),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "node given as a leaf": (
        base_case(PAIR_SCRIPT, b"", (leaf_hash(TRUE) + leaf_hash(b"\x52"), PAIR_BLOCK[:33])),
        "WITNESS_PROGRAM_MISMATCH",
    ),
    "unknown leaf version": (
        leaf_case(TRUE, (), POLICY, version=0xC2),
        "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION",
    ),
    "leaf that leaves two": (leaf_case(TRUE, (b"\x01",)), "CLEANSTACK"),
    "leaf that leaves nothing": (leaf_case(b"\x61", ()), "CLEANSTACK"),
    "leaf of false": (leaf_case(FALSE, ()), "EVAL_FALSE"),
    "leaf with an item of 521": (leaf_case(b"\x75\x51", (bytes(521),)), "PUSH_SIZE"),
    "leaf with 1,001 items": (leaf_case(TRUE, (b"",) * 1_001), "STACK_SIZE"),
    "leaf signature changed": (
        signed_leaf(lambda sig, *rest: (bytes((sig[0] ^ 1,)) + sig[1:], *rest)),
        "SCHNORR_SIG",
    ),
    "leaf signature left out": (signed_leaf(lambda _, *rest: (b"", *rest)), "EVAL_FALSE"),
    "leaf signature moved from the key path": (
        signed_leaf(lambda _, *rest: (sign_key_path(*plain())[0].inputs[0].witness[0], *rest)),
        "SCHNORR_SIG",
    ),
    "a signature more than the budget": (budget_case(9), "TAPSCRIPT_VALIDATION_WEIGHT"),
    "lock time one too early": (
        locked("5 CHECKLOCKTIMEVERIFY", locktime=4),
        "UNSATISFIED_LOCKTIME",
    ),
    "lock time height for time": (
        locked("<00ca9a3b> CHECKLOCKTIMEVERIFY", locktime=5),
        "UNSATISFIED_LOCKTIME",
    ),
    "lock time time for height": (
        locked("5 CHECKLOCKTIMEVERIFY", locktime=500_000_000),
        "UNSATISFIED_LOCKTIME",
    ),
    "lock time of a final input": (
        locked("5 CHECKLOCKTIMEVERIFY", locktime=5, sequences=(0xFFFFFFFF, 0)),
        "UNSATISFIED_LOCKTIME",
    ),
    "age one too young": (locked("6 CHECKSEQUENCEVERIFY"), "UNSATISFIED_LOCKTIME"),
    "age in version 1": (locked("5 CHECKSEQUENCEVERIFY", version=1), "UNSATISFIED_LOCKTIME"),
    "age of an input without one": (
        locked("5 CHECKSEQUENCEVERIFY", sequences=(1 << 31 | 5, 0)),
        "UNSATISFIED_LOCKTIME",
    ),
    "age in blocks for age in time": (
        locked("<050040> CHECKSEQUENCEVERIFY", sequences=(5, 0)),
        "UNSATISFIED_LOCKTIME",
    ),
    "template with another output": (
        template(lambda tx: _output(tx, 0, amount=1)),
        "TEMPLATE_MISMATCH",
    ),
    "template with another sequence": (
        template(lambda tx: _input(tx, 1, sequence=1)),
        "TEMPLATE_MISMATCH",
    ),
    "template with another lock time": (
        template(lambda tx: replace(tx, locktime=1)),
        "TEMPLATE_MISMATCH",
    ),
    "template with another version": (
        template(lambda tx: replace(tx, version=1)),
        "TEMPLATE_MISMATCH",
    ),
    "template with a scriptSig": (template(lambda tx: put(tx, b"\x51")), "TEMPLATE_MISMATCH"),
    "template with an output more": (
        template(lambda tx: replace(tx, outputs=(*tx.outputs, TxOut(0, b"")))),
        "TEMPLATE_MISMATCH",
    ),
    "template with an input less": (
        template(lambda tx: replace(tx, inputs=tx.inputs[:1])),
        "TEMPLATE_MISMATCH",
    ),
}


@pytest.mark.parametrize("name", SPENDS)
def test_an_invalid_spend_ends_with_its_error(name):
    (tx, spent, flags), error = SPENDS[name]
    assert error_of(tx, spent[: len(tx.inputs)], flags) == error


VALID = {
    "2 of 2": multisig([SECRET, OTHER], flags=POLICY),
    "budget for eight": budget_case(1),
    "leaf": signed_leaf(lambda *witness: witness, POLICY),
    "v0": signed_v0(lambda *witness: witness, POLICY),
    "legacy": signed_legacy(lambda sig: sig, POLICY),
    "high S in a block": signed_legacy(der_with_high_s),
    "template": template(lambda tx: tx),
    "template with other coins": template(
        lambda tx: _input(tx, 0, prevout=OutPoint(b"\x09" * 32, 1))
    ),
    "lock time": locked("5 CHECKLOCKTIMEVERIFY", locktime=5),
    "age": locked("5 CHECKSEQUENCEVERIFY"),
    "age of a negative version": locked("5 CHECKSEQUENCEVERIFY", version=-1),
    "pair": base_case(PAIR_SCRIPT, b"", (TRUE, PAIR_BLOCK)),
    "unknown leaf version in a block": leaf_case(FALSE, (), version=0xC2),
    "unknown program in a block": base_case(b"\x52\x02\x01\x02", b""),
    "pay to anchor": base_case(b"\x51\x02\x4e\x73", b"", (), POLICY),
    "nested taproot in a block": base_case(wrapped(P2TR), push_bytes(P2TR), (b"x",)),
}


@pytest.mark.parametrize("name", VALID)
def test_what_the_invalid_spends_are_made_from_is_valid(name):
    tx, spent, flags = VALID[name]
    assert error_of(tx, spent, flags) == "OK"


# Transactions that are valid but not relayed (R13)


def standard(outputs=((1_000, P2TR),), **changes):
    tx, spent = sign_key_path(*plain(outputs=outputs, **changes))
    return tx, spent


def relay_witness(script, items, **changes):
    tx, spent, _ = leaf_case(script, items, **changes)
    return tx, spent


def p2wsh_relay(script, items):
    tx, spent, _ = v0_case(script, items)
    return tx, spent


RETURN_80 = b"\x6a\x4c\x50" + bytes(80)
DROP = b"\x75" * 2 + TRUE
UNRELAYED = {
    "version 0": (standard(version=0), "version"),
    "version 4": (standard(version=4), "version"),
    "negative version": (standard(version=-1), "version"),
    "weight over 400,000": (standard(outputs=((1_000, P2TR),) * 2_400), "tx-size"),
    "scriptSig of 1,651": (
        (put(plain()[0], push_bytes(bytes(1_648))), plain()[1]),
        "scriptsig-size",
    ),
    "scriptSig with an opcode": ((put(plain()[0], b"\x61"), plain()[1]), "scriptsig-not-pushonly"),
    "output of a bare script": (standard(outputs=((1_000, TRUE),)), "scriptpubkey"),
    "output of v0 with 21 bytes": (
        standard(outputs=((1_000, b"\x00\x15" + bytes(21)),)),
        "scriptpubkey",
    ),
    "bare 1 of 4": (
        standard(outputs=((9_000, b"\x51" + push(KEY) * 4 + b"\x54\xae"),)),
        "scriptpubkey",
    ),
    "OP_RETURN of 84 bytes": (
        standard(outputs=((0, b"\x6a\x4c\x51" + bytes(81)),)),
        "scriptpubkey",
    ),
    "OP_RETURN with an opcode": (standard(outputs=((0, b"\x6a\x61"),)), "scriptpubkey"),
    "two OP_RETURN": (standard(outputs=((0, RETURN_80),) * 2), "multi-op-return"),
    "P2TR of 329": (standard(outputs=((329, P2TR),)), "dust"),
    "P2WPKH of 293": (standard(outputs=((293, b"\x00\x14" + bytes(20)),)), "dust"),
    "P2WSH of 329": (standard(outputs=((329, b"\x00\x20" + bytes(32)),)), "dust"),
    "P2PKH of 545": (standard(outputs=((545, ECDSA_CODE),)), "dust"),
    "P2SH of 539": (standard(outputs=((539, wrapped(TRUE)),)), "dust"),
    "stripped size of 64": (
        (
            Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(1_000, b"\x51\x02\x4e\x73"),)),
            [TxOut(5_000, P2TR)],
        ),
        "tx-size-small",
    ),
    "stripped size of 63": (
        (
            Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(0, b"\x6a\x00\x00"),)),
            [TxOut(5_000, P2TR)],
        ),
        "tx-size-small",
    ),
    "stripped size of 61": (
        (
            Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(0, b"\x6a"),)),
            [TxOut(5_000, P2TR)],
        ),
        "tx-size-small",
    ),
    "coin of a bare script": (plain(), "bad-txns-nonstandard-inputs"),
    "coin of an unknown program": (
        (plain()[0], [TxOut(1, b"\x52\x02\x01\x02"), plain()[1][1]]),
        "bad-txns-nonstandard-inputs",
    ),
    "P2SH with 16 signature operations": (
        (
            put(plain()[0], push_bytes(b"\xac" * 16)),
            [TxOut(1, wrapped(b"\xac" * 16)), plain()[1][1]],
        ),
        "bad-txns-nonstandard-inputs",
    ),
    "leaf item of 81": (relay_witness(DROP, (bytes(81), b"")), "bad-witness-nonstandard"),
    "P2WSH item of 81": (p2wsh_relay(DROP, (bytes(81), b"")), "bad-witness-nonstandard"),
    "P2WSH with 101 items": (
        p2wsh_relay(b"\x75" * 101 + TRUE, (b"",) * 101),
        "bad-witness-nonstandard",
    ),
    "P2WSH script of 3,601": (p2wsh_relay(b"\x61" * 3_600 + TRUE, ()), "bad-witness-nonstandard"),
    "annex": (sign_key_path(*plain(), annex=b"\x50"), "bad-witness-nonstandard"),
    "witness of a plain coin": (
        (put(plain()[0], b"", (b"x",)), [TxOut(1, ECDSA_CODE), plain()[1][1]]),
        "bad-witness-nonstandard",
    ),
    "witness of an anchor": (
        (put(plain()[0], b"", (b"x",)), [TxOut(1, b"\x51\x02\x4e\x73"), plain()[1][1]]),
        "bad-witness-nonstandard",
    ),
}


@pytest.mark.parametrize("name", UNRELAYED)
def test_what_is_not_relayed_has_its_reason_r13(name):
    (tx, spent), reason = UNRELAYED[name]
    assert check_standard(tx, spent) == reason


RELAYED = {
    "key path": standard(),
    "weight of just under 400,000": standard(outputs=((1_000, P2TR),) * 2_300),
    "scriptSig of 1,650": (
        put(plain()[0], push_bytes(bytes(519)) * 3 + push_bytes(bytes(81))),
        [TxOut(1, ECDSA_CODE), plain()[1][1]],
    ),
    "OP_RETURN of 83 bytes": standard(outputs=((0, RETURN_80),)),
    "P2TR of 330": standard(outputs=((330, P2TR),)),
    "P2WPKH of 294": standard(outputs=((294, b"\x00\x14" + bytes(20)),)),
    "P2PKH of 546": standard(outputs=((546, ECDSA_CODE),)),
    "P2SH of 540": standard(outputs=((540, wrapped(TRUE)),)),
    "bare 1 of 3": standard(outputs=((9_000, b"\x51" + push(KEY) * 3 + b"\x53\xae"),)),
    "pay to key": standard(outputs=((9_000, push(KEY) + b"\xac"),)),
    "leaf item of 80": relay_witness(DROP, (bytes(80), b"")),
    "P2WSH item of 80": p2wsh_relay(DROP, (bytes(80), b"")),
    "P2WSH with 100 items": p2wsh_relay(b"\x75" * 100 + TRUE, (b"",) * 100),
    "version 3": standard(version=3),
    "stripped size of 65": (
        Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(0, b"\x6a\x03\x01\x02\x03"),)),
        [TxOut(5_000, P2TR)],
    ),
}


@pytest.mark.parametrize("name", RELAYED)
def test_what_is_relayed_stands_at_the_limits_r13(name):
    assert check_standard(*RELAYED[name]) is None


def test_there_are_at_least_150_invalid_transactions():
    assert len(MALFORMED) + len(UNFIT) + len(FAULTY) + len(SPENDS) + len(UNRELAYED) >= 150
    assert num_encode(len(SPENDS)) > b"\x64"
