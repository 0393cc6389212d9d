"""Proofs of ownership: what each leg establishes, and every attack on them (R47 to R49, §10)."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

import owners
from blocks import block_of, coinbase
from lodestamp.core.bitcoin import (
    MAIN,
    SIGHASH_NONE,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    branch_of,
    meets_target,
)
from lodestamp.core.encoding import canonical_json
from lodestamp.core.ownership import (
    ASSET_UNITS,
    OWNERSHIP_PROOF_SIZE_MAX,
    Owner,
    OwnershipProof,
    ProofHeaders,
    ProofOp,
    ProofPart,
    Rules,
    balances_hash,
    build_ownership_proof,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
    decode_ownership_proof,
    encode_payloads,
    first_state_hash,
    next_state_hash,
    payload_script,
    read_block,
    verify_ownership_proof,
)
from lodestamp.core.ownership.apply import apply_block
from lodestamp.core.ownership.state import State
from lodestamp.core.verdict import Status
from lodestamp.errors import (
    LimitExceeded,
    LodestampError,
    ProofMalformed,
    RulesMismatch,
    UsageError,
)
from lodestamp.node.chains import MINER_SCRIPT, KeyScript
from lodestamp.node.scanner import party_of, send_plan, sign_plan
from written import ALICE, BOB, RULES, block_input, follow, noise, parties, registration, scanned

SHA1 = registration().sha1
KINDS = ("register", "transfer", "tip", "payment", "transfer")


class Story:
    """A work that was registered, sold twice, tipped, and whose dividends were paid."""

    def __init__(self, form=KeyScript.P2WPKH):
        self.source, self.alice, self.bob = parties(form)
        state = scanned(self.source)
        self.ops = []
        said = registration(noise(100))

        def party(script):
            return party_of(self.source, script)

        def sale(units):
            return build_transfer(
                state, SHA1, units, 700, seller=party(self.alice), buyer=party(self.bob),
                fee_rate=1_000,
            )  # fmt: skip

        self.say(state, "register", build_register(state, said, party(self.alice), 1_000))
        self.say(state, "transfer", sale(30))
        self.source.mine(3, MINER_SCRIPT)
        follow(self.source, state)
        self.say(state, "tip", build_tip(state, SHA1, party(self.bob), 1_000))
        pay = build_payment(state, SHA1, Owner(self.bob), party(self.alice), 1_000, amount=900)
        self.say(state, "payment", pay)
        self.say(state, "transfer", sale(12))
        self.source.mine(2, MINER_SCRIPT)
        follow(self.source, state)
        self.state, self.height = state, self.source.tip().height

    def say(self, state, kind, plan):
        """Send a plan, mine it, and keep it as it is proven."""
        txs = sign_plan(plan, [ALICE, BOB], self.source.network)
        send_plan(self.source, state, RULES, plan, txs)
        self.source.mine(1, MINER_SCRIPT)
        follow(self.source, state)
        block = self.source.block_hash(self.source.tip().height)
        parts = tuple(self.part(tx.txid, block) for tx in reversed(txs))
        self.ops.append(ProofOp(kind, parts, plan.steps[-1].spent))

    def part(self, txid, block_hash):
        record = self.source.block(block_hash)
        txids = [tx.txid for tx in record.block.txs]
        index = txids.index(txid)
        return ProofPart(record.block.txs[index], record.height, index, branch_of(txids, index))

    @property
    def state_hash(self):
        state, found = State(0), first_state_hash(RULES)
        while state.height < self.height:
            block = block_input(self.source, state.height + 1)
            found = next_state_hash(found, block.block_hash, apply_block(state, block, RULES))
        return found

    def headers(self, mode="full", ops=None):
        heights = sorted({part.height for op in ops or self.ops for part in op.parts})
        if mode == "full":
            first = heights[0]
            run = self.source.headers(first, self.height - first + 1)
            return ProofHeaders("full", first, run)
        found = tuple(self.source.headers(height, 1)[0] for height in heights)
        return ProofHeaders("sparse", heights[0], found)

    def proof(self, mode="full", ops=None):
        return build_ownership_proof(
            RULES, SHA1, ops or self.ops, height=self.height,
            headers=self.headers(mode, ops), state_hash=self.state_hash,
        )  # fmt: skip

    def own(self, height):
        found = self.source.headers(height, 1)
        return found[0] if found else None


@cache
def story(form=KeyScript.P2WPKH):
    return Story(form)


@cache
def whole():
    return decode_ownership_proof(story().proof())


def judged(proof, **options):
    encoded = proof if isinstance(proof, bytes) else proof.encode()
    return verify_ownership_proof(encoded, **options)


def statuses(verdict):
    return {leg.name: str(leg.status) for leg in verdict.verdict.legs}


def with_op(number, op):
    ops = whole().ops
    return replace(whole(), ops=(*ops[:number], op, *ops[number + 1 :]))


def with_part(number, at, part):
    op = whole().ops[number]
    return with_op(number, replace(op, parts=(*op.parts[:at], part, *op.parts[at + 1 :])))


@pytest.mark.parametrize("form", list(KeyScript))
def test_r47_r48_a_proof_of_every_kind_of_owner_holds_but_for_completeness(form):
    told = story(form)
    assert tuple(op.kind for op in told.ops) == KINDS
    verdict = judged(told.proof())
    assert statuses(verdict) == {
        "inclusion": "established", "work": "established",
        "rules": "established" if form is KeyScript.P2PKH else "unknown",
        "completeness": "unknown",
    }  # fmt: skip
    settled = verdict.with_own_scan(told.state_hash, told.state.holders(SHA1), told.alice)
    assert settled.exit_code == 0
    other = verdict.with_own_scan(told.state_hash, told.state.holders(SHA1), told.bob)
    assert other.exit_code == 1
    assert (verdict.verdict.verdict, verdict.exit_code) == (Status.UNKNOWN, 2)
    assert verdict.claim.registrant == told.alice
    assert dict(verdict.claim.cap_table) == {told.alice: ASSET_UNITS - 42, told.bob: 42}
    assert verdict.claim.balances_hash == balances_hash(told.state)
    assert "only a scan" in verdict.note
    assert verdict.as_json()["rules_id"] == RULES.rules_id.hex()
    assert verdict.as_json()["note"] == verdict.note


def test_r47_the_file_is_canonical_and_reads_back():
    encoded = story().proof()
    assert decode_ownership_proof(encoded).encode() == encoded
    found = json.loads(encoded)
    assert set(found) == {"v", "network", "rules", "sha1", "height", "headers", "ops", "claim"}
    assert set(found["claim"]) == {"registrant", "cap_table", "balances_hash", "state_hash"}
    assert (found["v"], found["network"], found["headers"]["mode"]) == (1, "regtest", "full")


def test_r48_sparse_headers_are_unknown_without_ones_own_and_never_more_than_they_are():
    encoded = story().proof("sparse")
    verdict = judged(encoded)
    assert statuses(verdict)["work"] == "unknown"
    assert statuses(verdict)["inclusion"] == "established"
    assert statuses(judged(encoded, headers=story().own))["work"] == "established"
    assert statuses(judged(encoded, headers=lambda _: None))["work"] == "unknown"
    other = story(KeyScript.P2TR)
    assert statuses(judged(encoded, headers=other.own))["work"] == "refuted"
    assert statuses(judged(story().proof(), headers=other.own))["work"] == "refuted"
    assert statuses(judged(story().proof(), headers=lambda _: None))["work"] == "established"


def test_r48_a_pin_establishes_the_headers_and_is_named():
    told = story()
    tip = told.source.tip()
    verdict = judged(told.proof(), pins={tip.hash: tip.height})
    assert verdict.pinned == tip.hash
    assert verdict.as_json()["pinned"] == tip.hash_display
    assert statuses(judged(told.proof(), pins=[(tip.hash, tip.height + 1)]))["work"] == "refuted"
    assert statuses(judged(told.proof(), pins={b"\1" * 32: tip.height}))["work"] == "refuted"
    assert verdict.work > 0


def test_r48_below_the_floor_of_its_network_the_work_is_unknown():
    """Regtest headers under main's rules lack their work; under testnet's nothing counts."""
    rules = Rules.strict("main")
    proof = replace(whole(), rules=rules)
    assert statuses(judged(proof))["work"] == "refuted"
    assert MAIN.work_floor > 2**80


def test_attack_swapped_parts_do_not_carry():
    ops = whole().ops
    parts = ops[0].parts
    assert len(parts) > 2
    swapped = (parts[0], parts[2], parts[1], *parts[3:])
    verdict = judged(with_op(0, replace(ops[0], parts=swapped)))
    assert statuses(verdict)["rules"] == "refuted"
    with pytest.raises(ProofMalformed):
        judged(_reordered(parts[::-1]))
    for wrong in (parts[:-1], (*parts, ops[1].parts[0]), (*parts, parts[-1])):
        assert statuses(judged(with_op(0, replace(ops[0], parts=wrong))))["rules"] == "refuted"


def _reordered(parts):
    encoded = json.loads(whole().encode())
    encoded["ops"][0]["parts"] = [part.as_json() for part in parts]
    return canonical_json(encoded)


def test_attack_a_foreign_branch_or_place_is_refuted():
    part = whole().ops[2].parts[0]
    foreign = whole().ops[0].parts[0]
    for wrong in (
        replace(part, branch=foreign.branch),
        replace(part, branch=part.branch[:-1], index=part.index >> 1 if len(part.branch) else 0),
        replace(part, branch=(*part.branch, bytes(32))),
        replace(part, branch=tuple(bytes(32) for _ in part.branch)),
        replace(part, index=part.index ^ 1),
        replace(part, height=part.height + 1),
    ):
        verdict = judged(with_part(2, 0, wrong))
        assert statuses(verdict)["inclusion"] == "refuted"
        assert verdict.exit_code == 1


def test_attack_an_index_outside_its_tree_is_refuted():
    part = whole().ops[2].parts[0]
    wrong = replace(part, index=part.index + (1 << len(part.branch)))
    verdict = judged(with_part(2, 0, wrong))
    assert verdict.verdict.leg("inclusion").code == "inclusion.index"


def test_attack_a_transaction_of_64_bytes_is_no_leaf():
    """CVE-2017-12842: an inner node of the tree may read as a transaction."""
    tx = Transaction(1, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(0, b"\x6a\x01\x00\x00"),))
    assert len(tx.encode()) == 64
    part = replace(whole().ops[2].parts[0], tx=tx)
    op = replace(whole().ops[2], parts=(part,), prevouts=None)
    verdict = judged(with_op(2, op))
    assert verdict.verdict.leg("inclusion").code == "inclusion.tx-size"


def test_attack_a_dropped_operation_never_says_complete():
    """Without the last sale the proof is as good as with it, and says so: only a scan can tell."""
    told = story(KeyScript.P2PKH)
    dropped = told.proof(ops=told.ops[:-1])
    verdict = judged(dropped)
    assert statuses(verdict)["rules"] == "established"
    assert statuses(verdict)["completeness"] == "unknown"
    assert verdict.exit_code == 2
    table = told.state.holders(SHA1)
    found = verdict.with_own_scan(told.state_hash, table)
    assert statuses(found)["completeness"] == "refuted"
    assert found.verdict.leg("completeness").code == "completeness.holders-differ"


def test_r48_ones_own_scan_completes_a_whole_proof_alone():
    told = story()
    verdict = judged(told.proof())
    found = verdict.with_own_scan(told.state_hash, told.state.holders(SHA1))
    assert (found.exit_code, statuses(found)["completeness"]) == (0, "established")
    other = verdict.with_own_scan(bytes(32), told.state.holders(SHA1))
    assert other.verdict.leg("completeness").code == "completeness.state-differs"
    assert other.exit_code == 1


def test_attack_an_operation_dropped_from_the_middle_or_repeated_or_out_of_order():
    ops = whole().ops
    for wrong in (ops[1:], (*ops, ops[-1]), (ops[0], *ops[2:0:-1], *ops[3:]), ops[::-1]):
        encoded = json.loads(whole().encode())
        encoded["ops"] = [op.as_json() for op in wrong]
        try:
            verdict = judged(canonical_json(encoded))
        except ProofMalformed:
            assert wrong == ops[1:]  # the headers then begin too early
            continue
        assert statuses(verdict)["rules"] == "refuted"
    first_dropped = replace(whole(), ops=ops[1:], headers=story().headers(ops=list(ops[1:])))
    assert statuses(judged(first_dropped))["rules"] == "refuted"


def test_attack_a_gap_in_the_headers():
    headers = whole().headers
    run = headers.headers
    for wrong in (run[:3] + run[4:], run[:-1], run[1:], (*run, run[-1])):
        with pytest.raises(ProofMalformed):
            replace(whole(), headers=replace(headers, headers=wrong))
    swapped = (*run[:3], run[4], run[3], *run[5:])
    verdict = judged(replace(whole(), headers=replace(headers, headers=swapped)))
    assert verdict.verdict.leg("work").status is Status.REFUTED
    weak = run[4]
    while meets_target(weak.hash, weak.bits):
        weak = replace(weak, nonce=weak.nonce + 1)
    lazy = replace(whole(), headers=replace(headers, headers=(*run[:4], weak, *run[5:])))
    assert statuses(judged(lazy))["work"] == "refuted"


@pytest.mark.parametrize(
    "tampered", ["registrant", "cap_table", "moved", "balances_hash", "holder"]
)
def test_attack_a_tampered_claim_is_refuted(tampered):
    told, claim = story(), whole().claim
    table = dict(claim.cap_table)
    wrong = {
        "registrant": replace(claim, registrant=Owner(told.bob)),
        "cap_table": replace(claim, cap_table={}),
        "moved": replace(claim, cap_table={told.alice: ASSET_UNITS - 41, told.bob: 41}),
        "balances_hash": replace(claim, balances_hash=bytes(32)),
        "holder": replace(claim, cap_table={**table, Owner(b"\x51"): 0}),
    }[tampered]
    verdict = judged(replace(whole(), claim=wrong))
    assert verdict.verdict.leg("rules").code == "rules.claim"
    assert statuses(verdict)["inclusion"] == "established"


def test_attack_a_forged_signature_or_output_is_refuted():
    """The witness is no part of the txid: another one must be caught by the rules."""
    op = whole().ops[1]
    tx = op.parts[0].tx
    stripped = replace(tx, inputs=tuple(replace(each, witness=()) for each in tx.inputs))
    forged = replace(op, parts=(replace(op.parts[0], tx=stripped), *op.parts[1:]))
    verdict = judged(with_op(1, forged))
    assert statuses(verdict)["inclusion"] == "established"
    assert statuses(verdict)["rules"] == "refuted"
    richer = tuple(replace(each, amount=each.amount + 1) for each in op.prevouts)
    assert statuses(judged(with_op(1, replace(op, prevouts=richer))))["rules"] == "refuted"
    swapped = op.prevouts[::-1]
    assert statuses(judged(with_op(1, replace(op, prevouts=swapped))))["rules"] == "refuted"


def test_what_a_segwit_input_spends_has_to_be_told_or_the_rules_are_unknown():
    op = replace(whole().ops[1], prevouts=None)
    assert judged(with_op(1, op)).verdict.leg("rules").code == "rules.prevouts"
    legacy = decode_ownership_proof(story(KeyScript.P2PKH).proof())
    bare = replace(legacy, ops=tuple(replace(each, prevouts=None) for each in legacy.ops))
    assert statuses(judged(bare))["rules"] == "established"


def test_attack_an_operation_of_another_work_or_kind_is_refuted():
    ops = whole().ops
    assert statuses(judged(replace(whole(), sha1="0" * 40)))["rules"] == "refuted"
    assert statuses(judged(with_op(2, replace(ops[2], kind="payment"))))["rules"] == "refuted"
    assert statuses(judged(with_op(1, replace(ops[1], kind="register"))))["rules"] == "refuted"
    padded = replace(ops[2], parts=(*ops[2].parts, ops[0].parts[0]))
    assert statuses(judged(with_op(2, padded)))["rules"] == "refuted"


def test_rules_that_begin_later_or_do_not_see_the_owners_refute():
    late = replace(whole(), rules=Rules.strict("regtest", whole().heights()[0] + 1))
    assert statuses(judged(late))["rules"] == "refuted"
    peer = replace(whole(), rules=Rules.peer_compat("regtest"))
    assert statuses(judged(peer))["rules"] == "refuted"


def test_what_proves_nothing_is_not_written():
    told = story()
    options = {"height": told.height, "state_hash": bytes(32)}
    for ops in (told.ops[1:], told.ops[2:3]):
        with pytest.raises(UsageError):
            build_ownership_proof(RULES, SHA1, ops, headers=told.headers(ops=ops), **options)
    with pytest.raises(LodestampError):
        build_ownership_proof(RULES, SHA1, [], headers=told.headers(), **options)
    fat = replace(told.ops[0].parts[0], branch=())
    many = [replace(told.ops[0], parts=(fat,) * 20_000)]
    proof = replace(whole(), ops=(*many, *whole().ops[1:]))
    with pytest.raises(LimitExceeded):
        proof.encode()


def changed(path, value):
    """The file with one member replaced, or left out where the value is `...`."""
    found = json.loads(whole().encode())
    place = found
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return canonical_json(found)


DEFECTS = [
    (("v",), 2), (("v",), "1"), (("v",), True), (("v",), ...), (("extra",), 1),
    (("network",), "main"), (("sha1",), "A" * 40), (("sha1",), "ab"), (("sha1",), 5),
    (("height",), -1), (("height",), 10**9), (("height",), 3), (("height",), True),
    (("headers",), []), (("headers", "mode"), "half"), (("headers", "mode"), []),
    (("headers", "first"), 0), (("headers", "data"), "AA=="), (("headers", "data"), "A"),
    (("headers", "data"), ""), (("headers", "more"), 1),
    (("ops",), []), (("ops",), {}), (("ops", 0), 5), (("ops", 0, "kind"), "r"),
    (("ops", 0, "kind"), ["register"]), (("ops", 0, "txid"), "00" * 32),
    (("ops", 0, "height"), 1), (("ops", 0, "index"), 9), (("ops", 0, "parts"), []),
    (("ops", 0, "prevouts"), []), (("ops", 0, "prevouts", 0, "amount"), -1),
    (("ops", 0, "prevouts", 0, "amount"), 21 * 10**14 + 1), (("ops", 0, "prevouts", 0), 1),
    (("ops", 0, "prevouts", 0, "script"), "!"), (("ops", 0, "more"), 1),
    (("ops", 0, "parts", 0, "raw"), "AAAA"), (("ops", 0, "parts", 0, "branch"), "AAAA"),
    (("ops", 0, "parts", 0, "branch"), 5), (("ops", 0, "parts", 0, "index"), 1 << 30),
    (("ops", 0, "parts", 0, "more"), 1), (("claim", "registrant"), "0"),
    (("claim", "registrant"), "AB"), (("claim", "cap_table"), []),
    (("claim", "cap_table"), {"zz": 1}), (("claim", "cap_table"), {"51": ASSET_UNITS + 1}),
    (("claim", "balances_hash"), "00"), (("claim", "state_hash"), ...), (("claim", "more"), 1),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), DEFECTS, ids=repr)
def test_r47_what_is_outside_the_format_is_no_proof(path, value):
    with pytest.raises(ProofMalformed) as refused:
        verify_ownership_proof(changed(path, value))
    assert refused.value.at or path[0] in {"extra", "v"}


@pytest.mark.parametrize(
    "path", [("rules", "segwit_from"), ("rules", "allow_full_transfer"), ("rules", "more")]
)
def test_rules_that_this_version_does_not_know_are_told_apart(path):
    with pytest.raises(RulesMismatch):
        verify_ownership_proof(changed(path, 7))


def test_r47_only_one_byte_string_is_accepted():
    encoded = whole().encode()
    spaced = json.dumps(json.loads(encoded)).encode()
    for wrong in (spaced, encoded + b"\n", encoded[:-1], b"", b"[]", b" " * 5_000_000):
        with pytest.raises(ProofMalformed):
            verify_ownership_proof(wrong)
    assert len(encoded) < OWNERSHIP_PROOF_SIZE_MAX


def test_a_proof_is_no_longer_than_its_headers_may_be():
    headers = whole().headers
    run = (headers.headers[0],) * 30_001
    with pytest.raises(ProofMalformed, match="30,000"):
        replace(whole(), height=headers.first + 30_000, headers=replace(headers, headers=run))
    part = replace(whole().ops[2].parts[0], branch=(bytes(32),) * 31)
    with pytest.raises(ProofMalformed, match="siblings"):
        with_part(2, 0, part)
    assert isinstance(whole(), OwnershipProof)


@pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh", "p2tr"])
def test_attack_a_witness_that_the_chain_never_held_establishes_nothing(kind):
    """What the chain has is signed with NONE and has no effect; the proof brings another witness.

    The txid is the same, so that every branch is right.
    """
    key = owners.ALICE
    carrying = TxOut(
        0, payload_script(encode_payloads(b'{"op":"r","sha1":"%b"}' % SHA1.encode())[0])
    )
    shown, spent = owners.spend((key, kind), outputs=(carrying,))
    mined = owners.signed(shown, 0, spent, key, kind, hash_type=SIGHASH_NONE)
    assert mined.txid == shown.txid
    block = block_of(coinbase(1), mined)
    read = read_block(
        block.encode(), State(0), RULES, fetch=lambda _: None, prevouts=lambda _: spent
    )
    assert apply_block(State(0), read, RULES).is_empty
    branch = branch_of([tx.txid for tx in block.txs], 1)
    op = ProofOp("register", (ProofPart(shown, 1, 1, branch),), spent)
    forged = build_ownership_proof(
        RULES, SHA1, [op], height=1,
        headers=ProofHeaders("full", 1, (block.header,)), state_hash=bytes(32),
    )  # fmt: skip
    verdict = judged(forged)
    assert statuses(verdict)["inclusion"] == "established"
    assert verdict.verdict.leg("rules").code == "rules.witnesses"
    legacy, spent = owners.spend((key, "p2pkh"), outputs=(carrying,))
    assert owners.signed(legacy, 0, spent, key, "p2pkh", hash_type=SIGHASH_NONE).txid != legacy.txid
