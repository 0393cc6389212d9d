"""Make the public vectors of the proof file: the same bytes from every run.

    PYTHONPATH=src:tests python tests/vectors/proof/generate.py

Every key comes from a fixed seed and Ed25519 signatures repeat themselves, so nothing is random but
the signatures of the other suites: operations that bear one are signed once and kept in
``operations``. `vectors` returns the files by their path; the conformance test holds the folder
against it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from anchor_defects import REGTEST_ONLY, TIME_DEFECTS, Anchored, file_with, honest, honest_chain
from anchors import HEIGHT, Chain, lone, pending, with_anchors
from authorities import (
    DEFECTS,
    ROOT,
    authority_proof,
    by_a_former_key,
    by_suite,
    chain_of,
    did_of,
    evidence_by,
    for_identity,
    grants_absent,
    key_ops,
    keys_absent,
    stated,
    under,
)
from lodestamp.core.bitcoin import MAIN, BlockHeader, NetworkParams
from lodestamp.core.encoding import canonical_json
from lodestamp.core.operations import (
    Operation,
    build_cap,
    build_op,
    grant,
    parse_op,
    refutation,
)
from lodestamp.core.proof import STATEMENT_PREDICATE, Content, Proof, Trust, from_parts, verify
from lodestamp.core.transparency import Cosigner, VerifierKey
from proofs import (
    AUTHOR,
    LEDGER,
    LOG_KEY,
    ORIGIN,
    OTHER_LOG_KEY,
    STRANGER,
    claim_of,
    content_of,
    edited,
    evidence_of,
    identified,
    key,
    log_vkey,
    operation,
    proof_of_content,
    sealed,
    signed_note,
    statement_of,
)
from witnesses import SAME_KEY, W1, W2, W3, cosigned, line_of

FOLDER = Path(__file__).resolve().parent
HELLO = b"hello world\n"
PATTERN = bytes(range(251))
"""Content by formula: byte i is i mod 251."""

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Case:
    """One proof file and how to check it. `content` is bytes to publish, or a size by formula."""

    name: str
    data: bytes
    content: bytes | int | None = HELLO
    without_content: bool = False
    trust: dict[str, Any] | None = field(default=None)
    store: Chain | None = None

    def content_bytes(self) -> bytes | None:
        """Return the content to check against."""
        return patterned(self.content) if isinstance(self.content, int) else self.content


def patterned(size: int) -> bytes:
    """Return `size` bytes of the formula."""
    return (PATTERN * (size // len(PATTERN) + 1))[:size]


def put(*path: Any) -> Change:
    """Return a change that puts the last item at the place the others name."""
    *keys, name, value = path

    def change(top: Any) -> None:
        for step in keys:
            top = top[step]
        top[name] = value

    return change


def proof_of(content: Content, index: int = 0, size: int = 1, **stated: Any) -> bytes:
    """Return a proof whose subject is the evidence of this content."""
    subject = evidence_of(statement_of(content, **stated))
    return from_parts(subject, (), content, *sealed(subject, index, size)).encode()


def claimed(index: int = 5, size: int = 8) -> Proof:
    """Return a proof of a claim that discloses the evidence it stands on."""
    content = content_of(HELLO)
    source = evidence_of(statement_of(content, name="hello.txt"))
    subject = claim_of([source], "I wrote this.", subject=str(content.cid))
    return from_parts(subject, [source], content, *sealed(subject, index, size))


def valid() -> list[Case]:
    """Proofs that are established, and those whose only flaw is what nobody can check yet."""
    one, blocks = content_of(HELLO), content_of(patterned(10_000), "covenant-8-480")
    large = content_of(patterned(2_500_000))
    sources = [evidence_of(statement_of(one)), evidence_of(statement_of(content_of(b"")))]
    first = claim_of(sources, "both files are mine")
    chain = [claim_of([first], {"pages": 3}), first, *sources]
    trust = {
        "version": 1,
        "logs": [{"origin": ORIGIN, "vkeys": [log_vkey().text()]}],
        "authors": [{"id": AUTHOR.key_id, "label": "Ada"}],
    }
    small = proof_of_content(HELLO).encode()
    line = "— witness.example/w9 " + "AAAAAAAA" * 12 + "\n"
    strangers = {**trust, "authors": [{"id": STRANGER.key_id}]}
    return [
        Case("evidence_small_file", small),
        Case("evidence_empty_file", proof_of(content_of(b"")), b""),
        Case(
            "evidence_name_and_sha256",
            proof_of(one, 1, 2, name="hello.txt", sha256=sha256(HELLO).hexdigest()),
        ),
        Case("evidence_many_blocks", proof_of(blocks, 3, 7), 10_000),
        Case("evidence_three_blocks_default_profile", proof_of(large, 3, 4), 2_500_000),
        Case("evidence_cid_v0", proof_of(content_of(HELLO, "unixfs-v0-2015"), 0, 2)),
        Case("claim_discloses_evidence", claimed().encode()),
        Case("claim_chain", from_parts(chain[0], chain[1:], one).encode()),
        Case("claim_discloses_nothing", from_parts(first).encode(), None),
        Case("operation_alone", from_parts(sources[0]).encode(), None),
        Case("log_of_one", proof_of(one)),
        Case("log_of_300_first", proof_of(one, 0, 300)),
        Case("log_of_300_middle", proof_of(one, 171, 300)),
        Case("log_of_300_last", proof_of(one, 299, 300)),
        Case("text_beyond_the_basic_plane", proof_of(one, name="\U0001f600 \uff5e.txt")),
        Case("unknown_signer_beside_the_log", noted(small, lambda note: note + line)),
        Case("pinned_author_and_log", small, trust=trust),
        Case("content_not_given_nor_asked_for", small, None, without_content=True),
        Case("content_not_given", small, None),
        Case("author_not_pinned", small, trust=strangers),
        Case("log_not_pinned", small, trust={**trust, "logs": []}),
        Case("required_leg_not_carried", small, trust={**trust, "require": ["time"]}),
        *_cosigned(),
        *_anchored(),
        Case("carries_a_ledger", edited(small, put("ledger", LEDGER))),
        *_other_operations(sources[0]),
        *_authorised(),
        Case("version_2", edited(small, put("version", 2))),
        Case("requires_a_feature", edited(small, put("requires", ["moon-phase"]))),
    ]


def _other_operations(source: Operation) -> list[Case]:
    """Operations of version 2 and of other types; one by an author whose key is not carried."""
    plain = build_op(AUTHOR, "press-1", "evidence", source.body, (), 1, version=2, seq=0)
    cap = build_cap(
        AUTHOR, audience=STRANGER.key_id, predicates=["prefers.*"], not_before=1, expires_at=2,
        nonce=bytes(16),
    )  # fmt: skip
    granted = build_op(AUTHOR, "press-1", "grant", grant(cap), (), 1, version=2, seq=1)
    wrong = operation("refutation", refutation(target=source.op_id, reason="not mine"))
    unsigned = {**json.loads(plain.wire), "alg": "mldsa65", "author": "mldsa65:" + "00" * 32}
    stranger = identified({**unsigned, "sig": b64encode(bytes(3309)).decode()})
    unknown = parse_op(canonical_json(stranger))
    return [
        Case("operation_of_version_2", from_parts(plain).encode(), None),
        Case("grant_of_version_2", from_parts(granted).encode(), None),
        Case("refutation", from_parts(wrong, (), None, *sealed(wrong, 1, 2)).encode(), None),
        Case("author_key_not_carried", from_parts(unknown).encode(), None),
    ]


def _authorised() -> list[Case]:
    """Authors who say by what right they act, and those who leave something of it out."""
    logs = [{"origin": ORIGIN, "vkeys": [log_vkey().text()]}]
    trust = {"version": 1, "logs": logs, "authors": [{"id": ROOT.key_id, "label": "Ada"}]}
    one, five = chain_of(1), chain_of(5)
    keys = key_ops("robot 1", "robot 2")
    subject = evidence_by(key("robot 2"))
    robot = {**trust, "authors": [{"id": did_of(keys), "label": "the robot"}]}
    identity = for_identity("first", "second", by="second")
    chained, own = authority_proof(under(five), five), authority_proof(subject, (), keys)
    return [
        Case("authority_chain_of_one", authority_proof(under(one), one)),
        Case("authority_chain_of_five", chained),
        Case("authority_chain_of_five_root_pinned", chained, trust=trust),
        Case("authority_chain_of_five_root_not_pinned", chained, trust={**trust, "authors": []}),
        Case("authority_state", stated()),
        Case("authority_state_pinned", stated(), trust=trust),
        Case("authority_state_log_not_pinned", stated(), trust={**trust, "logs": []}),
        Case("authority_identity_after_rotation", own),
        Case("authority_identity_after_rotation_did_pinned", own, trust=robot),
        Case("authority_identity_as_audience", authority_proof(*identity)),
        Case("authority_former_key", by_a_former_key()),
        Case("authority_former_key_with_state", by_a_former_key(with_state=True)),
        Case("authority_keys_absent", keys_absent()),
        Case("authority_grants_absent", grants_absent()),
        Case("authority_mldsa65_author", by_suite("mldsa65", kept)),
        Case("authority_hybrid_author", by_suite("hybrid", kept)),
    ]


def kept(name: str, sign: Callable[[], Operation]) -> Operation:
    """Return an operation whose signature was drawn at random, from where it is kept."""
    path = FOLDER / "operations" / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(sign().wire)
    return parse_op(path.read_bytes())


def noted(data: bytes, change: Callable[[str], str]) -> bytes:
    """Return a proof with another note."""
    note = json.loads(data)["checkpoint"]["note"]
    return edited(data, put("checkpoint", "note", change(note)))


def cosigners(threshold: int, *witnesses: Cosigner) -> dict[str, Any]:
    """Return the trust file of somebody who asks for so many of these witnesses."""
    keys = [each.verifier_key.text() for each in witnesses]
    return {**SELF_ASSERTED, "witnesses": {"k": threshold, "of": keys}}


SELF_ASSERTED: dict[str, Any] = {"version": 1, "unpinned": "self_asserted"}


def _cosigned() -> list[Case]:
    """Proofs under the eyes of witnesses, trusted or not."""
    proof = proof_of_content(HELLO)
    both, one = cosigned(proof, W1, W2).encode(), cosigned(proof, W1).encode()
    keyless = cosigned(proof, W1, carry=()).encode()
    policy = "".join(
        f"witness {name} {each.verifier_key.text()}\n" for name, each in (("a", W1), ("b", W2))
    )
    text = f"{policy}group both all a b\nquorum both\n"
    return [
        Case("witnesses_two_of_three", both, trust=cosigners(2, W1, W2, W3)),
        Case("witnesses_by_a_policy", both, trust={**SELF_ASSERTED, "witnesses": {"policy": text}}),
        Case("witnesses_too_few", one, trust=cosigners(2, W1, W2, W3)),
        Case("witnesses_twice_the_same", one_twice(proof), trust=cosigners(2, W1, W2)),
        Case("witnesses_nobody_trusts", both),
        Case("witnesses_keys_not_carried", keyless, trust=cosigners(1, W1)),
        Case("witnesses_keys_not_carried_nor_trusted", keyless),
    ]


def one_twice(proof: Proof) -> bytes:
    """Return a proof that one witness cosigned under two names."""
    return cosigned(proof, W1, SAME_KEY).encode()


def _anchored() -> list[Case]:
    """Proofs that lead to Bitcoin, on their way there, or not far enough."""
    proof, made = honest()
    regtest = file_with(made.anchor)
    main = file_with(lone("main").anchor)
    pinned = {"height": HEIGHT, "hash": lone("main").run[0].hash_display}
    last = {"height": HEIGHT + 5, "hash": made.run[-1].hash_display}
    checkpoints = {"network": "regtest", "checkpoints": [last]}
    whole = with_anchors(cosigned(proof, W1, W2), made.anchor).encode()
    return [
        Case("anchor_regtest", regtest, trust=REGTEST_ONLY),
        Case("anchor_regtest_not_accepted", regtest),
        Case("anchor_main_self_mined", main),
        Case("anchor_main_pinned", main, trust=_bitcoin(checkpoints=[pinned])),
        Case("anchor_main_in_the_store", main, store=_store(lone("main").run, MAIN, 6)),
        Case("anchor_main_young_in_the_store", main, store=_store(lone("main").run, MAIN, 5)),
        Case("anchor_signet_not_pinned", file_with(lone("signet").anchor), trust=_on("signet")),
        Case("anchor_regtest_last_header_pinned", regtest, trust=_bitcoin(**checkpoints)),
        Case("anchor_floor_raised", regtest, trust=_bitcoin(network="regtest", work_floor_log2=9)),
        Case("anchor_pending", file_with(pending(proof))),
        Case(
            "anchor_two_networks", file_with(made.anchor, lone("main").anchor), trust=REGTEST_ONLY
        ),
        Case(
            "anchor_pending_beside_a_block",
            file_with(made.anchor, pending(proof)),
            trust=REGTEST_ONLY,
        ),
        Case("anchor_chain_of_states", file_with(honest_chain().anchor), trust=REGTEST_ONLY),
        Case("whole", whole, trust={**cosigners(2, W1, W2), "bitcoin": checkpoints}),
    ]


def _bitcoin(**members: Any) -> dict[str, Any]:
    return {**SELF_ASSERTED, "bitcoin": members}


def _on(network: str) -> dict[str, Any]:
    return _bitcoin(network=network)


def _store(run: list[BlockHeader], net: NetworkParams, count: int) -> Chain:
    """Return a store that has the first header of a run under `count` blocks."""
    hashes = [run[0].hash, *(sha256(b"block %d" % place).digest() for place in range(1, count))]
    return Chain(net, HEIGHT, hashes)


def invalid() -> list[Case]:
    """Proofs that are refuted, each for the defect it is named by."""
    small = proof_of_content(HELLO).encode()
    return [
        *_invalid_files(small),
        *_invalid_operations(small),
        *_invalid_logs(small),
        *(Case(f"authority_{name}", make()) for name, (_reason, make) in DEFECTS.items()),
        *_invalid_witnesses(),
        *(_anchored_case(name, make()) for name, (_reason, make) in TIME_DEFECTS.items()),
        *_invalid_anchors(small),
    ]


def _anchored_case(name: str, found: Anchored) -> Case:
    return Case(f"time_{name}", found.data, trust=found.trust, store=found.store)


def _invalid_witnesses() -> list[Case]:
    proof = proof_of_content(HELLO)
    note = proof.checkpoint.note if proof.checkpoint else ""
    copied = line_of(note.replace("\n5\n", "\n6\n"), W1)
    added = edited(cosigned(proof, carry=[W1]), put("checkpoint", "note", note + copied))
    unseen = edited(proof, put("checkpoint", "note", note + copied))
    return [
        Case("witness_line_of_another_checkpoint", added),
        Case("witness_line_of_another_checkpoint_pinned", unseen, trust=cosigners(1, W1)),
        Case("witness_key_that_did_not_sign", cosigned(proof, W1, carry=[W1, W2]).encode()),
    ]


def _invalid_anchors(small: bytes) -> list[Case]:
    """Anchors and ledgers outside their schema."""
    anchor = honest()[1].anchor.as_json()
    two = [pending(honest()[0]).as_json(), anchor]
    shapes: dict[str, Any] = {
        "out_of_order": two[::-1],
        "twice": [anchor, anchor],
        "of_an_unknown_network": [{**anchor, "network": "test"}],
        "of_an_unknown_kind": [{**anchor, "kind": "coin"}],
        "height_without_headers": [{name: anchor[name] for name in anchor if name != "headers"}],
        "headers_torn": [{**anchor, "headers": b64encode(bytes(81)).decode()}],
        "2017_headers": [{**anchor, "headers": b64encode(bytes(80 + 48 * 2_016)).decode()}],
        "chain_without_its_chain": [{**anchor, "kind": "chain"}],
        "nine": [{}] * 9,
    }
    cases = [
        Case(f"format_anchors_{name}", edited(small, put("anchors", value)))
        for name, value in shapes.items()
    ]
    loose = Case("format_ledger_without_its_members", edited(small, put("ledger", {"chain": "x"})))
    return [*cases, loose, Case("format_anchors_without_log", edited(small, _without_log))]


def _without_log(top: dict[str, Any]) -> None:
    del top["log"], top["checkpoint"]
    top["anchors"] = [honest()[1].anchor.as_json()]


def _invalid_files(small: bytes) -> list[Case]:
    return [
        Case("format_byte_order_mark", b"\xef\xbb\xbf" + small),
        Case("format_cut_short", small[:-1]),
        Case("format_duplicate_key", small.replace(b',"version":1', b',"version":1,"version":1')),
        Case("format_escaped_text", small.replace(b"press-1", b"\\u0070ress-1")),
        Case("format_float", small.replace(b'"version":1', b'"version":1.0')),
        Case("format_key_order", b'{"version":1,' + small.replace(b',"version":1', b"")[1:]),
        Case("format_latin_1", small.replace(b"press-1", b"press-\xe9")),
        Case("format_newline_at_end", small + b"\n"),
        Case("format_not_an_object", b"[" + small + b"]"),
        Case("format_too_deep", edited(small, put("ledger", {**LEDGER, "header": _nested(38)}))),
        Case("format_unknown_member", edited(small, put("log", "root", ""))),
        Case("format_missing_member", edited(small, lambda top: top["log"].pop("index"))),
        Case("format_log_without_checkpoint", edited(small, lambda top: top.pop("checkpoint"))),
        Case("format_negative_index", edited(small, put("log", "index", -1))),
        Case(
            "format_integer_beyond_2_53", small.replace(b'"index":2', b'"index":9007199254740992')
        ),
        Case("format_path_base64url", edited(small, _base64url_path)),
        Case("format_key_of_unknown_type", edited(small, put("checkpoint", "vkeys", [_odd_key()]))),
        Case("format_keys_out_of_order", edited(small, put("checkpoint", "vkeys", _two_keys()))),
        Case("format_empty_authority", edited(small, put("authority", {}))),
        Case("format_empty_grants", edited(small, put("authority", {"grants": []}))),
        Case("format_six_grants", edited(small, put("authority", {"grants": [{}] * 6}))),
        Case("format_empty_anchors", edited(small, put("anchors", []))),
    ]


def _nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def _base64url_path(top: dict[str, Any]) -> None:
    top["log"]["path"] = top["log"]["path"].replace("+", "-").replace("/", "_").replace("=", "")


def _odd_key() -> str:
    return VerifierKey(ORIGIN, 0xFF, bytes(32)).text()


def _two_keys() -> list[str]:
    return sorted([log_vkey().text(), log_vkey(OTHER_LOG_KEY).text()])[::-1]


def _subject(data: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    def replace(top: dict[str, Any]) -> None:
        top["subject"]["operation"] = change(top["subject"]["operation"])

    return edited(data, replace)


def _invalid_operations(small: bytes) -> list[Case]:
    one, other = content_of(HELLO), content_of(b"another file\n")
    claim = claimed()
    stranger = evidence_of(statement_of(other))
    plain = evidence_of({}, kind="note", source="somewhere")
    lies = evidence_of({**statement_of(one), "size": 13})
    wrong_digest = proof_of(one, sha256=sha256(b"").hexdigest())
    resigned = _resigned_by_stranger(small)
    evidence_one = evidence_of(statement_of(one))
    elsewhere = claim_of([evidence_one], "Mine.", str(other.cid), STATEMENT_PREDICATE)
    return [
        Case("operation_field_changed", edited(small, put("subject", "operation", "ts", 0))),
        Case(
            "operation_field_changed_id_renewed",
            _subject(small, lambda wire: identified({**wire, "ts": 0})),
        ),
        Case("operation_signed_by_another_key", resigned),
        Case("operation_author_replaced", _subject(small, _author_replaced)),
        Case("operation_unknown_field", _subject(small, lambda wire: {**wire, "extra": 1})),
        Case("operation_version_3", _subject(small, lambda wire: {**wire, "v": 3})),
        Case("disclosed_out_of_order", _two_disclosed(lambda items: items.reverse())),
        Case("disclosed_twice", _two_disclosed(lambda items: items.append(items[-1]))),
        Case(
            "disclosed_stranger",
            edited(claim, lambda top: _add_disclosed(top, json.loads(stranger.wire))),
        ),
        Case("content_changed", small, b"hello World\n"),
        Case("content_longer", small, HELLO + b"\n"),
        Case("content_profile_changed", edited(small, put("content", "profile", "legacy-cidv1"))),
        Case("content_cid_of_another_file", edited(small, put("content", "cid", str(other.cid)))),
        Case("content_no_evidence", from_parts(plain, (), one).encode()),
        Case("content_claim_about_another", from_parts(elsewhere, (evidence_one,), one).encode()),
        Case(
            "content_size_not_that_of_its_cid",
            edited(from_parts(lies, (), one), put("content", "size", 13)),
        ),
        Case("content_sha256_wrong", wrong_digest),
    ]


def _author_replaced(wire: dict[str, Any]) -> dict[str, Any]:
    return identified({**wire, "author": STRANGER.key_id})


def _resigned_by_stranger(data: bytes) -> bytes:
    subject = evidence_of(statement_of(content_of(HELLO)), signer=STRANGER)
    stranger = json.loads(subject.wire)
    return _subject(data, lambda wire: identified({**wire, "sig": stranger["sig"]}))


def _two_disclosed(change: Callable[[list[Any]], object]) -> bytes:
    sources = [evidence_of(statement_of(content_of(text))) for text in (HELLO, b"")]
    proof = from_parts(claim_of(sources), sources, content_of(HELLO))
    return edited(proof, lambda top: change(top["subject"]["disclosed"]))


def _add_disclosed(top: dict[str, Any], wire: dict[str, Any]) -> None:
    top["subject"]["disclosed"].append(wire)
    top["subject"]["disclosed"].sort(key=lambda item: item["op_id"])


def _invalid_logs(small: bytes) -> list[Case]:
    subject = evidence_of(statement_of(content_of(HELLO)))
    _, of_six = sealed(subject, 2, 6)
    _, elsewhere = sealed(subject, 2, 5, origin="log.example/other")
    _, replaced = sealed(subject, 2, 5, signer=OTHER_LOG_KEY)
    pinned = {"version": 1, "logs": [{"origin": ORIGIN, "vkeys": [log_vkey().text()]}]}
    both = sorted([log_vkey().text(), log_vkey(OTHER_LOG_KEY).text()])
    return [
        Case("log_index_of_a_neighbour", edited(small, put("log", "index", 3))),
        Case("log_index_beyond_size", edited(small, put("log", "index", 5))),
        Case("log_size_one_more", edited(small, put("log", "size", 6))),
        Case("log_path_cut", edited(small, _path(lambda path: path[:-32]))),
        Case("log_path_longer", edited(small, _path(lambda path: path + bytes(32)))),
        Case("log_path_swapped", edited(small, _path(_swap))),
        Case("log_path_not_whole_hashes", edited(small, _path(lambda path: path[:-1]))),
        Case("log_origin_changed", edited(small, put("log", "origin", "log.example"))),
        Case("note_of_another_size", edited(small, put("checkpoint", of_six.as_json()))),
        Case("note_of_another_log", edited(small, put("checkpoint", elsewhere.as_json()))),
        Case("note_root_changed", noted(small, _another_root)),
        Case("note_signature_changed", noted(small, _another_signature)),
        Case("note_signature_removed", noted(small, lambda note: note[: note.index("—")])),
        Case("note_signer_renamed", noted(small, lambda note: note.replace("— log", "— bog"))),
        Case("note_carriage_returns", noted(small, lambda note: note.replace("\n", "\r\n"))),
        Case("key_that_did_not_sign", edited(small, put("checkpoint", "vkeys", both))),
        Case(
            "key_replaced_beside_its_note",
            edited(small, put("checkpoint", replaced.as_json())),
            trust=pinned,
        ),
    ]


def _path(change: Callable[[bytes], bytes]) -> Change:
    def replace(top: dict[str, Any]) -> None:
        top["log"]["path"] = b64encode(change(b64decode(top["log"]["path"]))).decode()

    return replace


def _swap(path: bytes) -> bytes:
    return path[32:64] + path[:32] + path[64:]


def _another_root(note: str) -> str:
    """Return the note of another tree under the signature of this one."""
    head = signed_note(ORIGIN, 5, bytes(32), LOG_KEY).partition("\n\n")[0]
    return head + "\n\n" + note.partition("\n\n")[2]


def _another_signature(note: str) -> str:
    at = len(note) - 20
    return note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]


def _expected(case: Case, folder: str) -> dict[str, Any]:
    """Return the entry of a case: what to check, and what must come out."""
    trust = Trust.parse(json.dumps(case.trust).encode()) if case.trust else None
    verdict = verify(
        case.data,
        trust,
        case.content_bytes(),
        without_content=case.without_content,
        headers=case.store,
    )
    content: Any = None
    if isinstance(case.content, int):
        content = {"byte_i_is_i_mod": len(PATTERN), "size": case.content}
    elif case.content is not None:
        content = {"hex": case.content.hex()}
    return {
        "proof": f"{folder}/{case.name}.proof.json",
        "content": content,
        "without_content": case.without_content,
        "trust": case.trust,
        "headers": None if case.store is None else _shown(case.store),
        "verdict": str(verdict.verdict),
        "exit": verdict.exit_code,
        "subject": verdict.subject,
        "ignored": list(verdict.ignored),
        "legs": {
            leg.name: {"status": str(leg.status), "code": leg.code, "basis": leg.basis}
            for leg in verdict.legs
        },
    }


def _shown(store: Chain) -> dict[str, Any]:
    hashes = [each[::-1].hex() for each in store.hashes]
    return {"network": store.network.name, "height": store.start, "hashes": hashes}


def vectors() -> dict[str, bytes]:
    """Return every generated file by its path below this folder."""
    groups = {"valid": valid(), "invalid": invalid()}
    files = {
        f"{folder}/{case.name}.proof.json": case.data
        for folder, cases in groups.items()
        for case in cases
    }
    for path in sorted((FOLDER / "operations").glob("*.json")):
        files[f"operations/{path.name}"] = path.read_bytes()
    cases = [_expected(case, folder) for folder, group in groups.items() for case in group]
    text = json.dumps({"cases": cases}, indent=1, ensure_ascii=False)
    return {**files, "expected.json": text.encode() + b"\n"}


def main() -> None:
    """Write the folder anew."""
    for name, data in vectors().items():
        path = FOLDER / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
