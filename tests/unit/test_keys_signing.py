from __future__ import annotations

import copy
import pickle

import pytest

from lodestamp.core.keys import SUITES, SigningKey
from lodestamp.errors import KeyFormatError, UsageError


def seed_of(suite):
    return bytes(range(100, 100 + SUITES[suite].seed_size))


def test_the_first_test_of_rfc_8032_comes_out_byte_for_byte():
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    key = SigningKey.from_seed("ed25519", bytes.fromhex(seed))
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.key_id == f"ed25519:{public}"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@pytest.mark.parametrize("suite", SUITES)
def test_one_seed_gives_one_key(suite):
    one, two = (SigningKey.from_seed(suite, seed_of(suite)) for _ in range(2))
    assert one.public_key == two.public_key
    assert one.key_id == one.public_key.key_id


def test_a_hybrid_key_is_its_two_halves():
    seed = seed_of("hybrid")
    raw = SigningKey.from_seed("hybrid", seed).public_key.raw
    assert raw == (
        SigningKey.from_seed("ed25519", seed[:32]).public_key.raw
        + SigningKey.from_seed("mldsa65", seed[32:]).public_key.raw
    )


@pytest.mark.parametrize("suite", SUITES)
def test_a_seed_of_another_size_is_refused_without_showing_it(suite):
    for seed in (b"", seed_of(suite)[:-1], seed_of(suite) + b"\x01"):
        with pytest.raises(KeyFormatError) as refusal:
            SigningKey.from_seed(suite, seed)
        assert refusal.value.code == "bad-key"
        assert not seed or seed.hex() not in str(refusal.value)


@pytest.mark.parametrize("suite", SUITES)
def test_a_signing_key_shows_its_id_and_never_its_secret(suite):
    seed = seed_of(suite)
    key = SigningKey.from_seed(suite, seed)
    for shown in (repr(key), str(key), f"{key}", repr([key]), repr(vars(SigningKey))):
        assert seed.hex()[:32] not in shown
        assert repr(seed)[2:-1][:20] not in shown
    assert repr(key) == f"<SigningKey {key.key_id}>"
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("suite", SUITES)
def test_a_signing_key_is_never_pickled_or_copied(suite):
    key = SigningKey.from_seed(suite, seed_of(suite))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(UsageError):
            pickle.dumps(key, protocol)
    with pytest.raises(UsageError):
        copy.deepcopy(key)
