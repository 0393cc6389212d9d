"""The suites an author may sign with, behind one registry (operations spec §3).

============ ===================== =========== ========== ===============
name         envelope `alg`        public key  seed       signature
============ ===================== =========== ========== ===============
``ed25519``  ``ed25519``           32          32         64
``mldsa65``  ``mldsa65``           1,952       32         3,309
``hybrid``   ``ed25519+mldsa65``   1,984       64         3,373
============ ===================== =========== ========== ===============

Sizes in bytes. Every part of a hybrid is the Ed25519 part followed by the ML-DSA-65 part; both
sign the same payload, both must verify, and a refusal never says which did not (K2).

>>> SUITES["hybrid"].signature_size
3373
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from lodestamp.core.keys import ed25519, mldsa65
from lodestamp.errors import KeyFormatError


@dataclass(frozen=True, slots=True)
class Suite:
    """A signature scheme: its name, its `alg` on the wire, its sizes in bytes, its primitives."""

    name: str
    alg: str
    public_size: int
    seed_size: int
    signature_size: int
    verify: Callable[[bytes, bytes, bytes], bool] = field(repr=False, compare=False)
    """(public key, payload, signature) -> whether it holds; wrong sizes do not hold."""
    expand: Callable[[bytes], tuple[bytes, Callable[[bytes], bytes]]] = field(
        repr=False, compare=False
    )
    """(seed of `seed_size` bytes) -> the public key and the function that signs a payload."""


def _hybrid_verify(raw: bytes, payload: bytes, signature: bytes) -> bool:
    raw_split, signature_split = ed25519.PUBLIC_SIZE, ed25519.SIGNATURE_SIZE
    classical = ed25519.ed25519_verify(raw[:raw_split], payload, signature[:signature_split])
    quantum = mldsa65.mldsa65_verify(raw[raw_split:], payload, signature[signature_split:])
    return classical and quantum  # both were computed: the time taken does not say which failed


def _hybrid_expand(seed: bytes) -> tuple[bytes, Callable[[bytes], bytes]]:
    classical_public, classical_sign = ed25519.expand_ed25519(seed[: ed25519.SEED_SIZE])
    quantum_public, quantum_sign = mldsa65.expand_mldsa65(seed[ed25519.SEED_SIZE :])

    def sign(payload: bytes) -> bytes:
        return classical_sign(payload) + quantum_sign(payload)

    return classical_public + quantum_public, sign


SUITES: Final[Mapping[str, Suite]] = MappingProxyType(
    {
        "ed25519": Suite(
            name="ed25519",
            alg="ed25519",
            public_size=ed25519.PUBLIC_SIZE,
            seed_size=ed25519.SEED_SIZE,
            signature_size=ed25519.SIGNATURE_SIZE,
            verify=ed25519.ed25519_verify,
            expand=ed25519.expand_ed25519,
        ),
        "mldsa65": Suite(
            name="mldsa65",
            alg="mldsa65",
            public_size=mldsa65.PUBLIC_SIZE,
            seed_size=mldsa65.SEED_SIZE,
            signature_size=mldsa65.SIGNATURE_SIZE,
            verify=mldsa65.mldsa65_verify,
            expand=mldsa65.expand_mldsa65,
        ),
        "hybrid": Suite(
            name="hybrid",
            alg="ed25519+mldsa65",
            public_size=ed25519.PUBLIC_SIZE + mldsa65.PUBLIC_SIZE,
            seed_size=ed25519.SEED_SIZE + mldsa65.SEED_SIZE,
            signature_size=ed25519.SIGNATURE_SIZE + mldsa65.SIGNATURE_SIZE,
            verify=_hybrid_verify,
            expand=_hybrid_expand,
        ),
    }
)
"""Every suite, by name. The mapping is read-only."""


def suite_named(name: str) -> Suite:
    """Return the suite of this name; KeyFormatError ``bad-suite`` when there is none."""
    suite = SUITES.get(name)
    if suite is None:
        known = ", ".join(SUITES)
        raise KeyFormatError(f"no suite is called {name[:40]!r}; known: {known}", code="bad-suite")
    return suite
