"""Each verb of ownership: the fields it prints, its exit codes, what it refuses."""

from __future__ import annotations

import json

import pytest
from embit import ec
from embit.psbt import PSBT

from lodestamp.core.bitcoin import REGTEST, Psbt
from lodestamp.node.chains import FileSigner, KeyScript, key_scripts
from lodestamp.node.scanner import address_of
from ownership_homes import SHA1, Town

PLACE = {"height", "block_hash"}
STATUS = {
    "network", "rules_id", "height", "block_hash", "state_hash", "source_height", "lag",
    "blocks_per_s", "mb_per_s", "eta_s", "reorgs", "deepest_reorg", "halted", "assets", "ops",
    "tips", "payments",
}  # fmt: skip
DRAFT = {"plan", "fee_rate", "txids", "judgement", "signed", "psbts", "sent"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("town")


@pytest.fixture
def town(folder, capsys):
    """One home for all: a work registered by Ada, tipped by Cy, and nothing owed beyond her."""
    town = Town(folder, capsys)
    if not town.home.exists():
        town.settle("ada", "bo", "cy")
        town.write("register", town.song, "--title", "A song")
        town.write("tip", SHA1, by="cy")
    return town


def address(town, name, form=KeyScript.P2TR):
    script = key_scripts(FileSigner(town.key(name), REGTEST))[form]
    return address_of(script, REGTEST)


def code_of(town, *arguments, code):
    return town.own(*arguments, code=code)["error"]["code"]


class TestReading:
    def test_each_verb_has_the_fields_of_its_specification(self, town):
        assert town.own("status").keys() == STATUS
        assert town.own("scan").keys() == STATUS
        assert town.own("show", SHA1).keys() == PLACE | {
            "sha1", "registration", "confirmations", "transfers", "tips", "payments", "holders",
            "link",
        }  # fmt: skip
        assert town.own("cap-table", SHA1).keys() == PLACE | {"sha1", "holders", "total"}
        row = town.own("cap-table", SHA1)["holders"][0]
        assert row.keys() == {"address", "script", "amount", "percent"}
        assert town.own("balance", address(town, "ada")).keys() == PLACE | {"address", "balances"}
        assert town.own("tips", SHA1).keys() == PLACE | {"sha1", "tips", "payments"}
        for view in ("owed_e8", "classic_e8", "classic"):
            found = town.own("dividends", SHA1, "--view", view)
            assert found.keys() == PLACE | {"sha1", "view", "dividends"}
        height = town.own("show", SHA1)["registration"]["height"]
        assert town.own("effects", height).keys() == PLACE | {"tips", "payments", "ops", "rejected"}
        hashed = town.own("state-hash")
        assert hashed.keys() == PLACE | {"state_hash", "balances_hash", "rules_id"}
        assert town.own("fsck").keys() == {"checked", "findings", "exit"}

    def test_confirmations_and_heights_look_back(self, town):
        """R37, R38: every answer names its block; the newest block is one confirmation deep."""
        registered = town.own("show", SHA1)["registration"]["height"]
        tip = town.own("status")["height"]
        assert town.own("cap-table", SHA1, "--confirmations", 2)["height"] == tip - 1
        assert town.own("cap-table", SHA1, "--at", registered)["height"] == registered
        before = ("cap-table", SHA1, "--at", registered - 1)
        assert code_of(town, *before, code=2) == "work-unknown"
        assert code_of(town, "cap-table", SHA1, "--at", tip + 1, code=2) == "height-unknown"

    def test_what_is_not_there_is_exit_2_and_what_makes_no_sense_64(self, town, tmp_path):
        assert code_of(town, "show", "0" * 40, code=2) == "work-unknown"
        assert code_of(town, "dividends", SHA1, "--view", "best", code=64) == "usage"
        assert code_of(town, "state-hash", 10_000, code=2) == "height-unknown"
        nowhere = ("status", "--store", f"sqlite:///{tmp_path}/none.db")
        assert code_of(town, *nowhere, code=2) == "no-store"
        assert code_of(town, "compare", code=64) == "usage"
        assert code_of(town, "scan", "--verify-merkle", "some", code=64) == "usage"
        assert code_of(town, "scan", "--rules", "peer_compat", code=2) == "rules-mismatch"

    def test_a_link_is_judged_by_the_file(self, town, tmp_path):
        """R50: 0 established, 1 refuted; the digest is no CID of a larger file."""
        other = tmp_path / "other"
        other.write_bytes(b"x")
        assert town.own("show", SHA1, "--file", other, code=1)["link"]["reason"] == "sha1 differs"
        found = town.own("show", SHA1, "--file", town.song, "--profile", "unixfs-v0-2015")["link"]
        assert (found["status"], found["same_block"]) == ("established", False)
        assert found["raw_cid"].startswith("bafkrei")
        said = town("ownership", "show", SHA1, "--file", town.song, "--profile", "unixfs-v0-2015")
        assert "nobody can fetch it" in said

    def test_two_scans_are_compared(self, town, tmp_path):
        other = f"sqlite:///{tmp_path}/other.db"
        town.own("scan", "--store", other)
        assert town.own("compare", "--with", other)["equal"] is True
        found = town.own("state-hash")
        listed = tmp_path / "hashes"
        line = f"{found['height']} {found['block_hash']} {'00' * 32}\n"
        listed.write_text(line)
        assert town.own("compare", "--with-file", listed, code=1)["height"] == found["height"]

    def test_words_say_what_json_says(self, town):
        for verb in ("show", "cap-table", "tips", "dividends"):
            assert address(town, "ada") in town("ownership", verb, SHA1)
        assert "1 work, 1 operation, 1 tip" in town("ownership", "status")
        assert "none" in town("ownership", "balance", address(town, "cy"))


class TestWriting:
    def test_a_dry_run_plans_and_judges_and_signs_nothing(self, town):
        told = town.own("tip", SHA1, "--from", address(town, "bo"), "--dry-run")
        assert told.keys() == DRAFT
        assert told["judgement"].keys() == {
            "kind", "sha1", "valid", "reason", "receiver", "units", "amount",
        }  # fmt: skip
        assert (told["signed"], told["sent"], told["judgement"]["amount"]) == (0, False, 10_000)
        assert told["txids"] != [None]
        said = town("ownership", "tip", SHA1, "--from", address(town, "bo"), "--dry-run")
        assert "would be valid: tip" in said
        assert "nothing was sent" in said

    def test_without_broadcast_nothing_is_sent(self, town):
        """R44."""
        told = town.own("tip", SHA1, "--key-file", town.key("bo"))
        assert (told["signed"], told["sent"]) == (1, False)
        town.mine()
        assert len(town.own("tips", SHA1)["tips"]) == 1

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("tip", "0" * 40), "would-be-invalid"),
            (("pay", SHA1, "--to", "bo", "--amount", 1_000), "would-be-invalid"),
            (("tip", SHA1, "--fee-rate", 300_000), "fee-too-high"),
        ],
    )
    def test_what_would_have_no_effect_or_cost_too_much_is_exit_1(self, town, words, code):
        """R41, R45."""
        words = [address(town, each) if each == "bo" else each for each in words]
        assert code_of(town, *words, "--key-file", town.key("ada"), code=1) == code

    def test_a_known_work_and_the_last_unit_are_refused(self, town):
        """R43, R46."""
        key = ("--key-file", town.key("bo"))
        told = town.own("register", town.song, *key, code=1)["error"]
        assert "already-registered" in told["message"]
        sale = ("transfer", SHA1, "--to", address(town, "bo"), "--price", 1_000, "--dry-run")
        own = ("--key-file", town.key("ada"), "--value")
        assert "bad-value" in town.own(*sale, *own, 100_000_000, code=1)["error"]["message"]
        bought = ("--from", address(town, "cy"), "--value", 1)
        assert "insufficient" in town.own(*sale, *bought, code=1)["error"]["message"]
        assert town.own(*sale, *own, 99_999_999)["judgement"]["units"] == 99_999_999

    @pytest.mark.parametrize(
        "words",
        [
            ("tip", SHA1),
            ("tip", SHA1, "--key-file", "ada", "--dry-run", "--broadcast"),
            ("tip", SHA1, "--from", "bo", "--broadcast"),
            ("tip", SHA1, "--key-file", "bo", "--script", "p2wsh"),
            ("tip", SHA1, "--key-file", "bo", "--from", "cy"),
            ("tip", SHA1, "--key-file", "bo", "--fee-rate", 999),
            ("tip", SHA1, "--key-file", "bo", "--amount", 1),
            ("pay", SHA1, "--to", "bo", "--key-file", "ada"),
            ("pay", SHA1, "--to", "bo", "--key-file", "ada", "--owed"),
            ("pay", SHA1, "--to", "bo", "--key-file", "ada", "--owed", "--amount", 600),
            ("transfer", SHA1, "--to", "bo", "--value", 1, "--price", 600, "--key-file", "ada"),
        ],
    )
    def test_a_call_that_makes_no_sense_is_exit_64(self, town, words):
        given = list(words)
        for at, each in enumerate(given):
            if given[at - 1] == "--key-file":
                given[at] = town.key(each)
            elif given[at - 1] in {"--from", "--to"}:
                given[at] = address(town, each)
        assert "error" in town.own(*given, code=64)

    def test_coins_of_every_form_of_script_can_pay(self, town):
        for form in (KeyScript.P2PKH, KeyScript.P2WPKH, KeyScript.P2SH_P2WPKH):
            town("bitcoin", "mine", 1, "--to", address(town, "cy", form))
        town("bitcoin", "mine", 100)
        town.own("scan")
        for form in (KeyScript.P2PKH, KeyScript.P2WPKH, KeyScript.P2SH_P2WPKH):
            told = town.own("tip", SHA1, "--key-file", town.key("cy"), "--script", form)
            script = key_scripts(FileSigner(town.key("cy"), REGTEST))[form].hex()
            assert told["plan"]["steps"][0]["inputs"][0]["script"] == script
            by_address = ("--from", address(town, "cy", form))
            assert town.own("tip", SHA1, "--key-file", town.key("cy"), *by_address)["signed"] == 1

    def test_a_scan_that_lags_cannot_judge(self, town):
        town("bitcoin", "mine", 1)
        told = town.own("tip", SHA1, "--key-file", town.key("bo"), code=2)["error"]
        assert told["code"] == "scan-behind"
        assert "ownership scan" in told["hint"]
        town.own("scan")
        town.own("tip", SHA1, "--key-file", town.key("bo"))

    def test_a_text_too_long_names_its_longest_field(self, town, tmp_path):
        """R46."""
        work = tmp_path / "long"
        work.write_bytes(b"long")
        noise = "".join(chr(0x4E00 + at * 7919 % 20_000) for at in range(1_500))
        told = town.own(
            "register", work, "--keywords", noise, "--key-file", town.key("bo"), code=1
        )["error"]
        assert told["code"] == "carrier-too-large"
        assert "`keywords`" in told["hint"]


class TestWallets:
    def sign(self, town, path, *names):
        """Sign as a foreign wallet would."""
        found = PSBT.parse(path.read_bytes())
        for name in names:
            found.sign_with(ec.PrivateKey(FileSigner(town.key(name), REGTEST)._secret))
        signed = path.with_suffix(".signed")
        signed.write_bytes(found.serialize())
        return signed

    def test_a_segwit_registration_is_signed_elsewhere_all_at_once(self, town, tmp_path):
        """R42, R44: PSBTs out, PSBTs in; what comes back is sent, in whatever order it is named."""
        work = tmp_path / "other.txt"
        work.write_bytes(b"another work, with a title that takes a payload more")
        verb = ("register", work, "--title", "Of another kind", "--from", address(town, "bo"))
        told = town.own(*verb, "--psbt", tmp_path / "work.psbt")
        assert (told["signed"], told["sent"]) == (0, False)
        assert len(told["psbts"]) == len(told["plan"]["steps"]) > 1
        assert None not in told["txids"]
        signed = [self.sign(town, tmp_path / name, "bo") for name in told["psbts"]]
        back = [word for each in reversed(signed) for word in ("--finalize", each)]
        done = town.own(*verb, *back)
        assert (done["signed"], done["sent"], done["txids"]) == (len(signed), False, told["txids"])
        assert town.own(*verb, *back, "--broadcast")["sent"]
        town.mine()
        sha1 = done["judgement"]["sha1"]
        assert town.own("show", sha1)["registration"]["address"] == address(town, "bo")

    def test_legacy_steps_are_signed_one_after_the_other(self, town, tmp_path):
        town("bitcoin", "mine", 1, "--to", address(town, "bo", KeyScript.P2PKH))
        town("bitcoin", "mine", 100)
        town.own("scan")
        work = tmp_path / "old.txt"
        work.write_bytes(b"an old work")
        payer = ("--from", address(town, "bo", KeyScript.P2PKH))
        verb = ("register", work, "--title", "In the old way", *payer)
        signed = []
        while True:
            back = [word for each in signed for word in ("--finalize", each)]
            target = tmp_path / f"round{len(signed)}.psbt"
            told = town.own(*verb, *back, "--psbt", target)
            assert len(told["psbts"]) == 1
            signed.append(self.sign(town, tmp_path / told["psbts"][0], "bo"))
            if len(signed) == len(told["plan"]["steps"]):
                break
            assert told["txids"][len(signed) :] == [None] * (
                len(told["plan"]["steps"]) - len(signed)
            )
        back = [word for each in signed for word in ("--finalize", each)]
        if len(signed) > 1:
            said = town("ownership", *verb, *back[:2])
            assert f"1 of {len(signed)} signed" in said
            assert code_of(town, *verb, *back[-2:], code=64) == "usage"
        assert town.own(*verb, *back, "--broadcast")["sent"]
        town.mine()

    def test_seller_and_buyer_sign_apart_and_time_may_pass(self, town, tmp_path):
        """What is finished may be older than today's plan, but must say the same."""
        seller = ("--from", address(town, "ada"))
        sale = ("transfer", SHA1, "--to", address(town, "bo"), *seller, "--value", 7)
        told = town.own(*sale, "--price", 900, "--psbt", tmp_path / "sale.psbt")
        back = []
        for at, name in enumerate(told["psbts"]):
            names = ("ada", "bo") if at == len(told["psbts"]) - 1 else ("ada",)
            for signer in names:
                path = self.sign(town, tmp_path / name, signer)
                mine = path.rename(path.with_suffix(f".{signer}"))
                back += ["--finalize", mine]
        only = [*back[:-2]]
        assert code_of(town, *sale, "--price", 900, *only, code=1) == "incomplete"
        assert code_of(town, *sale, "--price", 901, *back, code=64) == "usage"
        later = town.own(*sale, "--price", 900, "--fee-rate", 2_000, *back, "--broadcast")
        assert later["sent"]
        assert later["plan"]["fee"] == told["plan"]["fee"]
        town.mine()
        assert town.own("balance", address(town, "bo"), SHA1)["balances"][0]["amount"] == 7

    def test_a_psbt_is_never_overwritten(self, town, tmp_path):
        verb = ("tip", SHA1, "--from", address(town, "cy"), "--psbt", tmp_path / "tip.psbt")
        assert town.own(*verb)["psbts"] == [str(tmp_path / "tip.psbt")]
        assert len(Psbt.decode((tmp_path / "tip.psbt").read_bytes()).tx.outputs) == 3
        assert code_of(town, *verb, code=1) == "exists"


class TestProving:
    def test_a_proof_is_exported_and_judged_with_and_without_a_scan(self, town, tmp_path):
        """R47, R48: completeness only by one's own scan."""
        out = tmp_path / "proof.json"
        told = town.own("export-proof", SHA1, "-o", out)
        assert told.keys() == {"sha1", "height", "ops", "headers", "bytes", "file"}
        found = town.own("verify", out, code=2)
        assert {leg["name"]: leg["status"] for leg in found["legs"]} == {
            "inclusion": "established",
            "work": "established",
            "rules": "unknown",  # who signed stands in witnesses, and nothing leads from them
            "completeness": "unknown",
        }
        assert "only a scan" in found["note"]
        assert town.own("verify", out, "--with-store")["verdict"] == "established"
        assert "UNKNOWN" in town("ownership", "verify", out, code=2)
        printed = town("ownership", "export-proof", SHA1)
        assert printed == out.read_text() + "\n"

    def test_sparse_headers_need_ones_own(self, town, tmp_path):
        out = tmp_path / "sparse.json"
        town.own("export-proof", SHA1, "-o", out, "--headers", "sparse")
        assert town.own("verify", out, code=2)["legs"][1]["code"] == "work.sparse"
        assert town.own("verify", out, "--with-store")["verdict"] == "established"
        assert code_of(town, "export-proof", SHA1, "--headers", "some", code=64) == "usage"
        assert code_of(town, "export-proof", SHA1, "-o", out, code=1) == "exists"

    def test_a_changed_proof_is_refuted_or_refused(self, town, tmp_path):
        out = tmp_path / "proof.json"
        town.own("export-proof", SHA1, "-o", out)
        document = json.loads(out.read_text())
        document["claim"]["state_hash"] = "00" * 32
        forged = tmp_path / "forged.json"
        forged.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True))
        told = town.own("verify", forged, "--with-store", code=1)
        assert told["legs"][-1]["code"] == "completeness.state-differs"
        forged.write_text("{}")
        assert code_of(town, "verify", forged, code=1) == "proof-malformed"

    def test_a_proof_ahead_of_ones_scan_stays_unknown(self, town, tmp_path):
        out, short = tmp_path / "proof.json", f"sqlite:///{tmp_path}/short.db"
        town.own("export-proof", SHA1, "-o", out)
        height = town.own("status")["height"]
        town.own("scan", "--store", short, "--to", height - 1)
        found = town.own("verify", out, "--with-store", "--store", short, code=2)
        assert found["legs"][-1]["code"] == "completeness.only-a-scan"

    def test_fsck_of_the_home_audits_the_scan(self, town):
        town("stamp", town.song, "--force")
        found = json.loads(town("fsck", "--json"))
        assert found["checked"]["scanned_blocks"] == town.own("status")["height"]
        assert found["findings"] == []
