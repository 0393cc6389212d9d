"""The five Bitcoin networks: address versions, proof-of-work rules, activation heights, pins.

A pin is a block hash that this release takes for granted on its network: the public checkpoints of
Bitcoin Core, and two later blocks that Core names in its own parameters (bitcoin spec R19).

>>> MAIN.genesis.hash_display
'000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lodestamp.core.bitcoin.header import BlockHeader
from lodestamp.errors import UsageError

SUBSIDY_INTERVAL: Final = 210_000
"""Blocks between two halvings of the subsidy."""

WORK_FLOOR_MAIN: Final = 1 << 81
"""Hashes: about four blocks at the difficulty of late 2025 (1.5e14). Reviewed at each release."""


@dataclass(frozen=True, slots=True)
class NetworkParams:
    """What distinguishes one network. Hashes are in internal byte order.

    `work_floor` is the cumulative work from which a run of headers speaks for itself; None where
    work is too cheap to prove anything. `pins` maps a block hash to its height.
    """

    name: str
    p2pkh_version: int
    p2sh_version: int
    wif_version: int
    hrp: str
    magic: bytes
    genesis: BlockHeader
    bip34_height: int
    bip65_height: int
    bip66_height: int
    csv_height: int
    segwit_height: int
    taproot_height: int
    subsidy_interval: int = SUBSIDY_INTERVAL
    has_min_difficulty_rule: bool = False
    has_bip94: bool = False
    is_retargeting: bool = True
    work_floor: int | None = None
    pins: Mapping[bytes, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def pow_limit_bits(self) -> int:
        """The easiest target a header may state, in compact form."""
        return self.genesis.bits

    def __str__(self) -> str:
        return self.name


_FIRST_ROOT: Final = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
_TESTNET4_ROOT: Final = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e"


def _genesis(time: int, bits: int, nonce: int, root: str = _FIRST_ROOT) -> BlockHeader:
    return BlockHeader(1, bytes(32), bytes.fromhex(root)[::-1], time, bits, nonce)


_MAIN_PINS: Final = {
    11_111: "0000000069e244f73d78e8fd29ba2fd2ed618bd6fa2ee92559f542fdb26e7c1d",
    33_333: "000000002dd5588a74784eaa7ab0507a18ad16a236e7b1ce69f00d7ddfb5d0a6",
    74_000: "0000000000573993a3c9e41ce34471c079dcf5f52a0e824a81e7f953b8661a20",
    105_000: "00000000000291ce28027faea320c8d2b054b2e0fe44a773f3eefb151d6bdc97",
    134_444: "00000000000005b12ffd4cd315cd34ffd4a594f430ac814c91184a0d42d2b0fe",
    168_000: "000000000000099e61ea72015e79632f216fe6cb33d7899acb35b75c8303b763",
    193_000: "000000000000059f452a5f7340de6682a977387c17010ff6e6c3bd83ca8b1317",
    210_000: "000000000000048b95347e83192f69cf0366076336c639f9b7228e9ba171342e",
    216_116: "00000000000001b4f4b433e81ee46494af945cf96014816a4e2370f11b23df4e",
    225_430: "00000000000001c108384350f74090433e7fcf79a606b8e797f065b130575932",
    250_000: "000000000000003887df1f29024b06fc2200b55f8af8f35453d7be294df2d214",
    279_000: "0000000000000001ae8c72a0b0c301f67e3afca10e819efa9041e458e9bd7e40",
    295_000: "00000000000000004d9b4ef50f0f9d686fd69db2e03af35a100370c64632a983",
    840_000: "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5",
    856_760: "000000000000000000011c5890365bdbe5d25b97ce0057589acaef4f1a57263f",
}


def _pins(table: Mapping[int, str], genesis: BlockHeader) -> Mapping[bytes, int]:
    pins = {bytes.fromhex(text)[::-1]: height for height, text in table.items()}
    return MappingProxyType({genesis.hash: 0, **pins})


_MAIN_GENESIS: Final = _genesis(1_231_006_505, 0x1D00FFFF, 2_083_236_893)
_TEST_GENESIS: Final = _genesis(1_296_688_602, 0x1D00FFFF, 414_098_458)
_TESTNET4_GENESIS: Final = _genesis(1_714_777_860, 0x1D00FFFF, 393_743_547, _TESTNET4_ROOT)
_SIGNET_GENESIS: Final = _genesis(1_598_918_400, 0x1E0377AE, 52_613_770)
_REGTEST_GENESIS: Final = _genesis(1_296_688_602, 0x207FFFFF, 2)

MAIN: Final = NetworkParams(
    name="main", p2pkh_version=0, p2sh_version=5, wif_version=128, hrp="bc",
    magic=bytes.fromhex("f9beb4d9"), genesis=_MAIN_GENESIS,
    bip34_height=227_931, bip65_height=388_381, bip66_height=363_725,
    csv_height=419_328, segwit_height=481_824, taproot_height=709_632,
    work_floor=WORK_FLOOR_MAIN, pins=_pins(_MAIN_PINS, _MAIN_GENESIS),
)  # fmt: skip
TEST: Final = NetworkParams(
    name="test", p2pkh_version=111, p2sh_version=196, wif_version=239, hrp="tb",
    magic=bytes.fromhex("0b110907"), genesis=_TEST_GENESIS,
    bip34_height=21_111, bip65_height=581_885, bip66_height=330_776,
    csv_height=770_112, segwit_height=834_624, taproot_height=2_011_968,
    has_min_difficulty_rule=True, pins=_pins({}, _TEST_GENESIS),
)  # fmt: skip
TESTNET4: Final = NetworkParams(
    name="testnet4", p2pkh_version=111, p2sh_version=196, wif_version=239, hrp="tb",
    magic=bytes.fromhex("1c163f28"), genesis=_TESTNET4_GENESIS,
    bip34_height=1, bip65_height=1, bip66_height=1,
    csv_height=1, segwit_height=1, taproot_height=1,
    has_min_difficulty_rule=True, has_bip94=True, pins=_pins({}, _TESTNET4_GENESIS),
)  # fmt: skip
SIGNET: Final = NetworkParams(
    name="signet", p2pkh_version=111, p2sh_version=196, wif_version=239, hrp="tb",
    magic=bytes.fromhex("0a03cf40"), genesis=_SIGNET_GENESIS,
    bip34_height=1, bip65_height=1, bip66_height=1,
    csv_height=1, segwit_height=1, taproot_height=1, pins=_pins({}, _SIGNET_GENESIS),
)  # fmt: skip
REGTEST: Final = NetworkParams(
    name="regtest", p2pkh_version=111, p2sh_version=196, wif_version=239, hrp="bcrt",
    magic=bytes.fromhex("fabfb5da"), genesis=_REGTEST_GENESIS,
    bip34_height=1, bip65_height=1, bip66_height=1,
    csv_height=1, segwit_height=0, taproot_height=1, subsidy_interval=150,
    has_min_difficulty_rule=True, is_retargeting=False, work_floor=0,
    pins=_pins({}, _REGTEST_GENESIS),
)  # fmt: skip

NETWORKS: Final[Mapping[str, NetworkParams]] = MappingProxyType(
    {each.name: each for each in (MAIN, TEST, TESTNET4, SIGNET, REGTEST)}
)


def network_named(name: str) -> NetworkParams:
    """Return the network of this name; UsageError for any but those of `NETWORKS`."""
    found = NETWORKS.get(name)
    if found is None:
        names = ", ".join(NETWORKS)
        raise UsageError(f"there is no network {name[:40]!r}", hint=f"one of {names}")
    return found
