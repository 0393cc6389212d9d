"""Ownership: Open Publish read from Bitcoin blocks; who registered a work, and who holds it."""

from lodestamp.core.ownership.apply import apply_block, judge_block, undo
from lodestamp.core.ownership.attribute import attribute, output_owner
from lodestamp.core.ownership.block_checks import check_header, check_tree
from lodestamp.core.ownership.block_reading import PrevoutsAt, read_block
from lodestamp.core.ownership.carrier import (
    COMPRESSED_READ_MAX,
    COMPRESSED_WRITTEN_MAX,
    INFLATED_MAX,
    PAYLOAD_SIZE_MAX,
    PAYLOADS_WRITTEN_MAX,
    carrier_count,
    carrier_payloads,
    decode_payloads,
    encode_payloads,
    payload_script,
    read_carrier,
)
from lodestamp.core.ownership.dividends import (
    DIVIDEND_TERMS_MAX,
    dividends_classic_e8,
    dividends_classic_float,
    dividends_owed_e8,
)
from lodestamp.core.ownership.effects import (
    ASSET_UNITS,
    NOBODY,
    BlockEffect,
    BlockInput,
    CarrierInput,
    DividendPayment,
    Flow,
    HeartInput,
    Judgement,
    Operation,
    Owner,
    Owners,
    Refused,
    Registration,
    Tip,
    Transfer,
)
from lodestamp.core.ownership.flow import (
    HeartFlow,
    judge_flow,
    payment_fault,
    tip_fault,
)
from lodestamp.core.ownership.found import (
    Candidate,
    Carrier,
    Fetch,
    Prevouts,
    TxSpan,
)
from lodestamp.core.ownership.gate import (
    may_contain,
)
from lodestamp.core.ownership.hashes import (
    STATE_TAG,
    balances_bytes,
    balances_hash,
    effect_bytes,
    effect_fields,
    first_state_hash,
    next_state_hash,
)
from lodestamp.core.ownership.heart import (
    heart_of,
    heart_script,
    parse_heart,
)
from lodestamp.core.ownership.judge import (
    ASSET_NAME_LENGTH_MAX,
    judge_operation,
    read_operation,
)
from lodestamp.core.ownership.link import (
    ContentLink,
    content_link,
    registration_cid,
)
from lodestamp.core.ownership.operation_text import (
    DEPTH_MAX,
    VALUE_MAX,
    parse_operation,
    transfer_value,
)
from lodestamp.core.ownership.plan import (
    FEE_RATE_MAX,
    FEE_RATE_MIN,
    Party,
    PlannedInput,
    Spendable,
    StepOutput,
    TxPlan,
    UnsignedTx,
)
from lodestamp.core.ownership.plan_build import (
    TIP_DEFAULT,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
)
from lodestamp.core.ownership.proof import (
    OwnershipVerdict,
    OwnHeaders,
    build_ownership_proof,
    verify_ownership_proof,
)
from lodestamp.core.ownership.proof_form import (
    OWNERSHIP_PROOF_SIZE_MAX,
    OWNERSHIP_PROOF_TYPE,
    PROOF_HEADERS_MAX,
    Claim,
    OwnershipProof,
    ProofHeaders,
    ProofOp,
    ProofPart,
)
from lodestamp.core.ownership.proof_reading import (
    decode_ownership_proof,
)
from lodestamp.core.ownership.read_back import (
    ReadBack,
    read_back,
)
from lodestamp.core.ownership.rules import (
    PEER_COMPAT,
    STRICT,
    Rules,
)
from lodestamp.core.ownership.state import (
    Holdings,
    State,
)
from lodestamp.core.ownership.walk import (
    block_txids,
    candidates,
    walk_block,
)
from lodestamp.core.ownership.written_text import (
    RegistrationText,
    transfer_text,
)

__all__ = [
    "ASSET_NAME_LENGTH_MAX",
    "ASSET_UNITS",
    "COMPRESSED_READ_MAX",
    "COMPRESSED_WRITTEN_MAX",
    "DEPTH_MAX",
    "DIVIDEND_TERMS_MAX",
    "FEE_RATE_MAX",
    "FEE_RATE_MIN",
    "INFLATED_MAX",
    "NOBODY",
    "OWNERSHIP_PROOF_SIZE_MAX",
    "OWNERSHIP_PROOF_TYPE",
    "PAYLOADS_WRITTEN_MAX",
    "PAYLOAD_SIZE_MAX",
    "PEER_COMPAT",
    "PROOF_HEADERS_MAX",
    "STATE_TAG",
    "STRICT",
    "TIP_DEFAULT",
    "VALUE_MAX",
    "BlockEffect",
    "BlockInput",
    "Candidate",
    "Carrier",
    "CarrierInput",
    "Claim",
    "ContentLink",
    "DividendPayment",
    "Fetch",
    "Flow",
    "HeartFlow",
    "HeartInput",
    "Holdings",
    "Judgement",
    "Operation",
    "OwnHeaders",
    "Owner",
    "Owners",
    "OwnershipProof",
    "OwnershipVerdict",
    "Party",
    "PlannedInput",
    "Prevouts",
    "PrevoutsAt",
    "ProofHeaders",
    "ProofOp",
    "ProofPart",
    "ReadBack",
    "Refused",
    "Registration",
    "RegistrationText",
    "Rules",
    "Spendable",
    "State",
    "StepOutput",
    "Tip",
    "Transfer",
    "TxPlan",
    "TxSpan",
    "UnsignedTx",
    "apply_block",
    "attribute",
    "balances_bytes",
    "balances_hash",
    "block_txids",
    "build_ownership_proof",
    "build_payment",
    "build_register",
    "build_tip",
    "build_transfer",
    "candidates",
    "carrier_count",
    "carrier_payloads",
    "check_header",
    "check_tree",
    "content_link",
    "decode_ownership_proof",
    "decode_payloads",
    "dividends_classic_e8",
    "dividends_classic_float",
    "dividends_owed_e8",
    "effect_bytes",
    "effect_fields",
    "encode_payloads",
    "first_state_hash",
    "heart_of",
    "heart_script",
    "judge_block",
    "judge_flow",
    "judge_operation",
    "may_contain",
    "next_state_hash",
    "output_owner",
    "parse_heart",
    "parse_operation",
    "payload_script",
    "payment_fault",
    "read_back",
    "read_block",
    "read_carrier",
    "read_operation",
    "registration_cid",
    "rehearse",
    "tip_fault",
    "transfer_text",
    "transfer_value",
    "undo",
    "verify_ownership_proof",
    "walk_block",
]
