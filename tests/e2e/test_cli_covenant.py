"""The verbs of `lodestamp covenant`, as a person uses them on a simulator."""

from __future__ import annotations

import json

import pytest

from covenants import RAW
from lodestamp.core.bitcoin import sha256
from lodestamp.core.encoding import Cid
from lodestamp.faces.cli.program import run


@pytest.fixture
def call(tmp_path, capsys):
    def ask(*arguments, code=0):
        capsys.readouterr()
        assert run(["--home", str(tmp_path / "home"), *map(str, arguments)]) == code
        return capsys.readouterr().out

    return ask


@pytest.fixture
def wallet(call, tmp_path):
    key = tmp_path / "funds.wif"
    shown = json.loads(call("bitcoin", "key", "new", "--file", key, "--json"))
    call("bitcoin", "mine", 105, "--to", shown["address"])
    return key, shown["address"]


def story(call, wallet, tmp_path, kind, *words, amount=100_000, spend=()):
    key, own = wallet
    made, proof = tmp_path / "a.covenant", tmp_path / "a.bundle"
    told = call("covenant", "address", kind, *words, "--key", key, "-o", made, "--json")
    assert json.loads(told)["address"].startswith("bcrt1p")
    call("covenant", "fund", made, "--amount", amount, "--key", key)
    call("bitcoin", "mine", 1, "--to", own)
    dry = json.loads(call("covenant", "spend", made, "--key", key, *spend, "--dry-run", "--json"))
    assert dry["sent"] is False
    sent = json.loads(call("covenant", "spend", made, "--key", key, *spend, "-o", proof, "--json"))
    assert sent["vsize"] == dry["vsize"]
    call("bitcoin", "mine", 1, "--to", own)
    return sent["txid"], proof


@pytest.mark.parametrize("kind", ["T1", "T2B", "T3", "T4", "T5", "T6"])
def test_a_covenant_goes_from_address_to_checked_spend(call, wallet, tmp_path, kind):
    content = tmp_path / "content"
    content.write_bytes(bytes(range(250)) * (2 if kind == "T1" else 20))
    about = ("--content", content)
    forced = ("--param", f"to={wallet[1]}", "--param", "amount=90000", "--param", "cpfp=true")
    words = {
        "T1": about,
        "T2B": (*about, "--param", "index=3"),
        "T3": (*about, *forced),
        "T4": (*about, *forced),
        "T5": (),
        "T6": ("--param", "origin=example.org/log"),
    }[kind]
    spend = ("--root", "ab" * 32) if kind in {"T5", "T6"} else ()
    txid, proof = story(call, wallet, tmp_path, kind, *words, spend=spend)
    judged = json.loads(call("covenant", "check", f"{txid}:0", "--json"))
    assert (judged["verdict"], judged["kind"]) == ("established", kind)
    assert "CONSENSUS_CAT_CTV" in judged["rules_assumed"]
    assert "anyone could spend" in call(
        "covenant", "check", f"{txid}:0", "--rules", "mainnet", code=1
    )
    legs = json.loads(call("covenant", "check", proof, "--json", code=2))["legs"]
    assert {leg["name"]: leg["status"] for leg in legs}["funding"] == "established"
    assert [leg["code"] for leg in legs if leg["code"]] == ["inclusion.not_carried"]
    whole = tmp_path / "whole.bundle"
    told = call("covenant", "check", proof, "--chain", "sim:", "-o", whole, "--json")
    assert json.loads(told)["verdict"] == "established"
    legs = json.loads(call("covenant", "check", whole, "--json"))["legs"]
    assert {leg["status"] for leg in legs} == {"established"}


def test_a_proof_is_completed_only_when_its_spend_is_mined(call, wallet, tmp_path):
    note, made, proof = tmp_path / "note", tmp_path / "a.covenant", tmp_path / "a.bundle"
    note.write_bytes(b"hello")
    call("covenant", "address", "T1", "--content", note, "--key", wallet[0], "-o", made)
    call("covenant", "fund", made, "--amount", 50_000, "--key", wallet[0])
    call("bitcoin", "mine", 1)
    call("covenant", "spend", made, "--key", wallet[0], "-o", proof)
    asked = ("covenant", "check", proof, "--chain", "sim:", "--json")
    waits = json.loads(call(*asked, code=2))["legs"]
    assert [leg["code"] for leg in waits if leg["code"]] == ["inclusion.not_carried"]
    call("bitcoin", "mine", 1)
    assert json.loads(call(*asked))["verdict"] == "established"
    call("bitcoin", "reorg", "--depth", 1)
    call("covenant", "check", "11:0", "-o", tmp_path / "none", code=64)


def test_a_batch_member_is_shown_by_its_list(call, wallet, tmp_path):
    cids = [str(Cid.decode(RAW + sha256(bytes((n,))))) for n in range(5)]
    listed = tmp_path / "cids"
    listed.write_text("\n".join(cids))
    words = ("--content", listed, "--param", f"member={cids[4]}")
    txid, proof = story(call, wallet, tmp_path, "T2", *words)
    told = json.loads(call("covenant", "check", f"{txid}:0", "--json", code=2))
    assert "leaf_recognised.leaves-not-shown" in [leg["code"] for leg in told["legs"]]
    legs = json.loads(call("covenant", "check", proof, "--json", code=2))["legs"]
    assert [leg["code"] for leg in legs if leg["code"]] == ["inclusion.not_carried"]


def test_every_kind_is_listed_with_its_cost(call):
    lines = [json.loads(line) for line in call("covenant", "list", "--json").splitlines()]
    assert [line["kind"] for line in lines] == ["T1", "T2", "T2B", "T3", "T4", "T5", "T6"]
    assert {line["kind"]: line["vsize"] for line in lines}["T1"] == 263
    assert "vB" in call("covenant", "list")


def test_no_address_is_printed_where_a_rule_is_not_active(call, tmp_path):
    from lodestamp.node.chains import Simulator

    path = tmp_path / "plain.db"
    made = Simulator.open(path, lambda: 1_790_000_000, b"\x51")
    made.set_deployment("opcat", active=False)
    made.close()
    note = tmp_path / "note"
    note.write_bytes(b"hello")
    key = tmp_path / "k.wif"
    call("bitcoin", "key", "new", "--file", key)
    chain = ("--chain", f"sim://{path}")
    asked = ("covenant", "address", "T1", "--content", note, "--key", key, *chain, "--json")
    told = call(*asked, code=1)
    assert json.loads(told)["error"]["code"] == "covenants-not-active"
    assert "bcrt1" not in told


@pytest.mark.parametrize(
    "words",
    [
        ("T9",),
        ("T1", "--param", "colour=red"),
        ("T1", "--param", "owner"),
        ("T1",),
        ("T3", "--param", "root=xyz"),
        ("T5", "--param", "anyone=perhaps"),
        ("T6", "--param", "anyone=true"),
        ("T5",),
    ],
)
def test_words_that_make_no_covenant_are_a_usage_error(call, words):
    call("covenant", "address", *words, code=64)


def test_a_damaged_file_is_refused(call, tmp_path, wallet):
    broken = tmp_path / "broken"
    broken.write_bytes(b"{}")
    call("covenant", "spend", broken, "--key", wallet[0], code=1)
    call("covenant", "check", broken, code=1)
    call("covenant", "check", "nothing", code=64)
