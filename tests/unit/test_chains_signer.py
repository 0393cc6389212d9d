"""Keys without a wallet: files, modes, networks, and secrets that never show (R38)."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    MAIN,
    REGTEST,
    schnorr_verify,
    tweak_hash,
    tweak_xonly,
    wif_encode,
)
from lodestamp.errors import FundsError
from lodestamp.node.chains import EnvSigner, FileSigner, SecretSigner, make_key_file

SECRETS = [bytes(31) + bytes([n]) for n in (1, 2, 3, 7, 200)]


@pytest.mark.parametrize("secret", SECRETS)
def test_r38_both_keys_sign_what_verifies_under_them(secret):
    signer = SecretSigner(secret)
    message = b"\x05" * 32
    plain = signer.sign_schnorr(message, tweaked=False)
    tweaked = signer.sign_schnorr(message, tweaked=True)
    assert schnorr_verify(plain, message, signer.xonly())
    assert schnorr_verify(tweaked, message, signer.output_key())
    assert not schnorr_verify(plain, message, signer.output_key())
    assert signer.output_key() == tweak_xonly(signer.xonly(), tweak_hash(signer.xonly()))[0]


def test_auxiliary_randomness_is_fresh_for_each_signature():
    signer = SecretSigner(SECRETS[0])
    message = bytes(32)
    assert signer.sign_schnorr(message, tweaked=True) != signer.sign_schnorr(message, tweaked=True)


def test_r38_a_file_of_mode_0600_holds_the_key(tmp_path):
    path = tmp_path / "funds.wif"
    make_key_file(path, REGTEST, lambda size: b"\x11" * size)
    assert path.stat().st_mode & 0o777 == 0o600
    assert FileSigner(path, REGTEST).xonly() == SecretSigner(b"\x11" * 32).xonly()
    with pytest.raises(FundsError) as refused:
        make_key_file(path, REGTEST)
    assert refused.value.code == "key-exists"


@pytest.mark.parametrize(
    ("content", "mode", "net", "code"),
    [
        (None, 0o600, REGTEST, "key-missing"),
        (b"", 0o600, REGTEST, "key-damaged"),
        (b"\xff" * 52, 0o600, REGTEST, "key-damaged"),
        (b"x" * 300, 0o600, REGTEST, "key-damaged"),
        ("good", 0o640, REGTEST, "key-permissions"),
        ("good", 0o604, REGTEST, "key-permissions"),
        ("good", 0o600, MAIN, "key-network"),
    ],
)
def test_r38_any_other_file_is_refused_by_name(tmp_path, content, mode, net, code):
    path = tmp_path / "funds.wif"
    text = wif_encode(SECRETS[4], REGTEST)
    if content is not None:
        path.write_bytes(text.encode() if content == "good" else content)
        path.chmod(mode)
    with pytest.raises(FundsError) as refused:
        FileSigner(path, net)
    assert refused.value.code == code
    assert text[:12] not in str(refused.value)
    assert refused.value.__cause__ is None or content is None


def test_the_environment_may_hold_the_key(monkeypatch):
    monkeypatch.setenv("FUNDS", wif_encode(SECRETS[1], REGTEST))
    assert EnvSigner("FUNDS", REGTEST).xonly() == SecretSigner(SECRETS[1]).xonly()
    for value in ("nonsense", wif_encode(SECRETS[1], MAIN)):
        monkeypatch.setenv("FUNDS", value)
        with pytest.raises(FundsError):
            EnvSigner("FUNDS", REGTEST)
    monkeypatch.delenv("FUNDS")
    with pytest.raises(FundsError):
        EnvSigner("FUNDS", REGTEST)


def test_r38_a_signer_shows_its_public_key_only():
    secret = b"\x42" * 32
    shown = repr(SecretSigner(secret))
    assert SecretSigner(secret).xonly().hex() in shown
    assert secret.hex() not in shown
    assert wif_encode(secret, MAIN) not in shown
