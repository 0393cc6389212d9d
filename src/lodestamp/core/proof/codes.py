"""Every code a leg of a verdict can bear, and the status it comes with.

``<leg>.<reason>``, by the leg that bears it; but ``authority.key_unknown`` is borne by the leg
``operation`` too when the author's key would have to stand in the section `authority`. A code
either refutes or leaves unknown, never both. Programs may rely on the codes; the sentences are for
people.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lodestamp.core.verdict import Status

_R: Final = Status.REFUTED
_U: Final = Status.UNKNOWN

CODES: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "format.too_large": _R,
        "format.not_utf8": _R,
        "format.not_json": _R,
        "format.not_canonical": _R,
        "format.unknown_member": _R,
        "format.missing_member": _R,
        "format.bad_type": _R,
        "format.limit": _R,
        "format.unsupported": _U,
        "operation.id_mismatch": _R,
        "operation.bad_signature": _R,
        "operation.schema": _R,
        "operation.key_not_pinned": _U,
        "operation.blocked": _U,
        "content.not_in_operation": _R,
        "content.cid_mismatch": _R,
        "content.size_mismatch": _R,
        "content.sha256_mismatch": _R,
        "content.bytes_absent": _U,
        "content.profile_unknown": _U,
        "content.not_carried": _U,
        "content.blocked": _U,
        "authority.schema": _R,
        "authority.id_mismatch": _R,
        "authority.bad_signature": _R,
        "authority.key_event": _R,
        "authority.bad_cap": _R,
        "authority.cap_id_mismatch": _R,
        "authority.bad_issuer": _R,
        "authority.chain_broken": _R,
        "authority.chain_too_long": _R,
        "authority.not_attenuated": _R,
        "authority.no_authority": _R,
        "authority.not_yet_valid": _R,
        "authority.expired": _R,
        "authority.out_of_scope": _R,
        "authority.bad_note": _R,
        "authority.origin_mismatch": _R,
        "authority.no_log_signature": _R,
        "authority.index_range": _R,
        "authority.path_invalid": _R,
        "authority.refuted": _R,
        "authority.source_invalid": _R,
        "authority.unauthorised": _R,
        "authority.ineffective": _R,
        "authority.revoked": _R,
        "authority.stale": _R,
        "authority.alg_unavailable": _U,
        "authority.key_unknown": _U,
        "authority.grants_absent": _U,
        "authority.state_absent": _U,
        "authority.key_not_pinned": _U,
        "authority.not_carried": _U,
        "authority.blocked": _U,
        "log.path_invalid": _R,
        "log.size_mismatch": _R,
        "log.origin_mismatch": _R,
        "log.index_range": _R,
        "log.not_carried": _U,
        "log.blocked": _U,
        "checkpoint.bad_note": _R,
        "checkpoint.bad_signature": _R,
        "checkpoint.no_log_signature": _R,
        "checkpoint.key_mismatch": _R,
        "checkpoint.alg_unavailable": _U,
        "checkpoint.key_not_pinned": _U,
        "checkpoint.not_carried": _U,
        "checkpoint.blocked": _U,
        "witnesses.bad_signature": _R,
        "witnesses.alg_unavailable": _U,
        "witnesses.no_quorum": _U,
        "witnesses.none_trusted": _U,
        "witnesses.not_carried": _U,
        "witnesses.blocked": _U,
        "ledger.unsupported": _U,
        "ledger.not_carried": _U,
        "ledger.blocked": _U,
        "time.bad_ots": _R,
        "time.op_not_allowed": _R,
        "time.no_path": _R,
        "time.root_mismatch": _R,
        "time.chain_invalid": _R,
        "time.bits_invalid": _R,
        "time.pow_invalid": _R,
        "time.checkpoint_conflict": _R,
        "time.not_in_best_chain": _R,
        "time.pending": _U,
        "time.work_below_floor": _U,
        "time.network_not_accepted": _U,
        "time.not_carried": _U,
        "time.blocked": _U,
    }
)
"""Each code, and the status of the leg that bears it."""
