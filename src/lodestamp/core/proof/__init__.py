"""The portable proof: one file that carries every leg, and the verifier that judges it."""

from lodestamp.core.proof.anchor import (
    Anchor,
    AnchorChain,
    AnchorCovenant,
    AnchorKind,
    anchor_digest,
)
from lodestamp.core.proof.best_chain import BestChain
from lodestamp.core.proof.bitcoin_trust import MIN_CONFIRMATIONS, BitcoinTrust
from lodestamp.core.proof.build import authority_from, from_parts, prune_anchors, replace_checkpoint
from lodestamp.core.proof.codec import FORMAT, VERSION, Proof
from lodestamp.core.proof.codes import CODES
from lodestamp.core.proof.detached import FindRun, verify_detached
from lodestamp.core.proof.export import to_ots
from lodestamp.core.proof.legs.content import (
    CONTENT_KIND,
    STATEMENT_PREDICATE,
    Pieces,
    content_of,
)
from lodestamp.core.proof.model import (
    ANCHORS_MAX,
    CHAIN_TRANSACTIONS_MAX,
    DISCLOSED_MAX,
    EXTENSION,
    GRANTS_MAX,
    KEY_EVENTS_MAX,
    LEGS,
    MEDIA_TYPE,
    NETWORKS,
    PROOF_DEPTH_MAX,
    PROOF_SIZE_MAX,
    SKIPS_MAX,
    VKEYS_MAX,
    Authority,
    AuthorityState,
    Checkpoint,
    Content,
    Ledger,
    LedgerResult,
    Log,
    Subject,
)
from lodestamp.core.proof.run import RUN_HEADERS, RUN_MAX, compress_run, expand_run
from lodestamp.core.proof.tlog import to_tlog_proof
from lodestamp.core.proof.trust import AuthorPin, LogPin, Trust, Unpinned
from lodestamp.core.proof.verify import verify

__all__ = [
    "ANCHORS_MAX",
    "CHAIN_TRANSACTIONS_MAX",
    "CODES",
    "CONTENT_KIND",
    "DISCLOSED_MAX",
    "EXTENSION",
    "FORMAT",
    "GRANTS_MAX",
    "KEY_EVENTS_MAX",
    "LEGS",
    "MEDIA_TYPE",
    "MIN_CONFIRMATIONS",
    "NETWORKS",
    "PROOF_DEPTH_MAX",
    "PROOF_SIZE_MAX",
    "RUN_HEADERS",
    "RUN_MAX",
    "SKIPS_MAX",
    "STATEMENT_PREDICATE",
    "VERSION",
    "VKEYS_MAX",
    "Anchor",
    "AnchorChain",
    "AnchorCovenant",
    "AnchorKind",
    "AuthorPin",
    "Authority",
    "AuthorityState",
    "BestChain",
    "BitcoinTrust",
    "Checkpoint",
    "Content",
    "FindRun",
    "Ledger",
    "LedgerResult",
    "Log",
    "LogPin",
    "Pieces",
    "Proof",
    "Subject",
    "Trust",
    "Unpinned",
    "anchor_digest",
    "authority_from",
    "compress_run",
    "content_of",
    "expand_run",
    "from_parts",
    "prune_anchors",
    "replace_checkpoint",
    "to_ots",
    "to_tlog_proof",
    "verify",
    "verify_detached",
]
