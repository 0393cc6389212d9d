"""Every error that leaves a public function of this package.

::

    LodestampError                  never raised directly
    ├── InputError                  the caller's mistake, or hostile or damaged input
    │   ├── EncodingError           bytes or values outside a canonical form
    │   │   └── CidError            a CID or multihash that is not one
    │   ├── LimitExceeded           a number of the design passed (also a ValueError)
    │   ├── OpError                 an operation that breaks its schema (also a ValueError)
    │   ├── CapError                a capability that is none, or does not allow what is done
    │   ├── SignatureError          a signature that does not verify
    │   ├── KeyFormatError          a key, key id or seed that is not one
    │   ├── KeyEventError           an event that is none, or does not follow in its key log
    │   ├── BadEntry                a log entry that is no operation CID
    │   ├── BadHashLength           a Merkle hash that is not 32 bytes
    │   ├── BadTreeProof            an inclusion or consistency proof that does not hold
    │   ├── BadTilePath             a tile path that is not one
    │   ├── BadNote                 a signed note or checkpoint that is not one, or is not signed
    │   ├── BadTimestamp            a timestamp that is none, or not in its canonical form
    │   ├── NotExpressible          what cannot be said in operations of OpenTimestamps
    │   ├── ProofFormatError        a proof file outside its format
    │   ├── TrustError              a trust file outside its format
    │   ├── MalformedBitcoin        bytes that are not the Bitcoin value they are given as
    │   │   ├── NonCanonicalSize    a compact size longer than it must be
    │   │   ├── MalformedTransaction  bytes or values that are no transaction
    │   │   ├── MalformedScript     bytes or text that are no script
    │   │   ├── MalformedBlock      bytes that are no block, header or filter
    │   │   ├── MalformedAddress    text that is no address or key, or of another network
    │   │   ├── MalformedProof      a proof of inclusion in a block that does not hold
    │   │   └── PsbtError           bytes that are no PSBT, or one that cannot be joined or finished
    │   ├── CovenantError           a covenant that cannot be built, spent or read
    │   │   ├── ElementTooLarge     a witness item or join that no script can take, or none relays
    │   │   └── GrindExhausted      no lock time in reach gave the hash a leaf asks for
    │   ├── BadHeader               a block header that breaks a rule of its chain
    │   └── UsageError              a call that makes no sense as given
    ├── ContentError                content that cannot be addressed
    │   ├── CodecError              a block outside its format (dag-pb, DAG-CBOR, DAG-JSON)
    │   ├── UnixFSError             a UnixFS node that is none or breaks its rules
    │   ├── HamtError               a sharded directory that breaks its rules
    │   ├── CarError                a CAR outside its format
    │   ├── BlockMismatch           bytes that are not those their CID names
    │   ├── BlockMissing            a block that is needed is not there
    │   ├── PathError               a path or name that cannot be followed or written
    │   ├── IpnsError               an IPNS name or record that does not hold
    │   ├── PinError                a pin that cannot be set
    │   ├── RemoteError             a service asked for blocks, pins or tiles is away, refuses
    │   ├── GatewayRefusal          a request that the gateway does not serve
    │   └── SourceError             the file being read is missing, unreadable or changed
    ├── RecordError                 the recorder refuses
    │   ├── CausalError             a reference to an operation this log does not hold
    │   ├── UnknownOperation        no such operation in the log, or of that type in a flow
    │   └── LogLockedError          another writer held the log for too long
    ├── ChainError                  what a Bitcoin node, or the simulator, cannot or will not do
    │   ├── ChainUnavailable        the node does not answer
    │   ├── ChainAuthError          the node does not know us
    │   ├── ChainWarmup             the node is still starting
    │   ├── ChainNotFound           the node has no such block, transaction or output
    │   ├── ChainRejected           the chain refuses a transaction or a block
    │   ├── ChainRpcError           the node answers with an error, or contradicts itself
    │   ├── ChainUnsupported        this backend cannot do that
    │   ├── WrongNetwork            the node is on another chain
    │   ├── CovenantsNotActive      covenants would bind nothing there
    │   ├── FeeTooHigh              a spend would pay too much
    │   └── FundsError              there are not enough coins, or the key cannot spend them
    ├── OwnershipError              what Open Publish in Bitcoin blocks cannot be read as, or from
    │   ├── CarrierMalformed        payloads that carry nothing
    │   ├── CarrierTooLarge         more bytes than sixteen payloads carry
    │   ├── OperationMalformed      carried text that is no operation
    │   ├── BlockMalformed          bytes that are no block, or one its header does not stand for
    │   ├── SourceIncomplete        a transaction or output that is needed cannot be had
    │   ├── ConservationBroken      a work whose units do not add up to what was registered
    │   ├── RulesMismatch           a store, or results, of other rules or another network
    │   ├── SourceStale             a source whose chain went back, and has no more work
    │   ├── ScanBehind              a scan that does not stand where its chain does
    │   ├── ScannerBusy             another scanner writes this store
    │   ├── StoreOrderError         a block that does not follow the stored tip, or is not the tip
    │   ├── WorkUnknown             a work that nobody had registered
    │   ├── HeightUnknown           a height that the store has not scanned
    │   ├── TooLarge                a table of dividends of too many terms
    │   ├── WouldBeInvalid          a transaction to be written that would have no effect
    │   └── ProofMalformed          a file that is no proof of ownership
    ├── ReorgTooDeep                the chain changed further back than is remembered
    ├── FlowError                   a data flow that cannot begin or go on
    │   ├── MalformedPacket         a packet outside its form
    │   ├── MalformedPattern        a pattern outside its closed schema
    │   ├── ConcatTooLong           a join of more bytes than a script element holds
    │   ├── PacketNotFound          the store holds no such packet
    │   ├── PatternNotFound         no pattern of this name is registered
    │   ├── StageOrderError         a stage out of its turn
    │   └── LeaseLost               another runner has the packet
    ├── SyncError                   two nodes did not come together
    │   ├── PeerError                   the peer is away, refuses, or answers what is no answer
    │   └── SnapshotGoneError           the set being compared is no longer kept; start again
    ├── CalendarError               a calendar that is away, busy, refuses or answers nonsense
    ├── AccessError                 who asks is not known here, or may not have what is asked
    ├── ListenError                 an address that cannot be listened on
    ├── StoreError                  disk, database or file system: the environment failed
    │   └── LogCorrupt              stored bytes contradict each other or a published checkpoint
    └── HomeError                   the home folder is absent, foreign or without rights

Each error carries a stable ``code`` for programs, builds its own sentence for people, and may carry
a ``hint`` that says what to do. "Not proven", "refuted" and "cannot be checked here" are never
errors: they are verdicts (`lodestamp.core.verdict`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class LodestampError(Exception):
    """The root of the tree. It is never raised directly."""

    default_code: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint

    def diagnostics(self) -> dict[str, str | None]:
        """Return what a program needs to report this error: type, code, message, hint."""
        return {
            "type": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
        }


class InputError(LodestampError):
    """The caller's mistake, or hostile or damaged input."""

    default_code = "input"


class EncodingError(InputError):
    """Bytes or values outside a canonical form; `at` is a JSON pointer or a byte offset."""

    def __init__(self, code: str, message: str, *, at: str = "", hint: str | None = None) -> None:
        where = f" (at {at})" if at else ""
        super().__init__(f"{message}{where}", code=code, hint=hint)
        self.at = at


class CidError(EncodingError):
    """Bytes or text that are not a CID or a multihash; codes ``cid.*`` and ``hash.*``."""


class LimitExceeded(InputError, ValueError):
    """A number that the design puts on an input was passed."""

    default_code = "limit"

    def __init__(self, limit: str, maximum: int, actual: int, *, code: str | None = None) -> None:
        super().__init__(f"{limit} is {actual:,}, more than the limit of {maximum:,}", code=code)
        self.limit = limit
        self.maximum = maximum
        self.actual = actual


class OpError(InputError, ValueError):
    """An operation that breaks its schema; `at` is a JSON pointer into the envelope."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        at: str = "",
        expected: str | None = None,
        actual: str | None = None,
    ) -> None:
        where = f" (at {at})" if at else ""
        super().__init__(f"operation refused: {message}{where}", code=code)
        self.reason = message
        self.at = at
        self.expected = expected
        self.actual = actual


class CapError(InputError):
    """A capability that is malformed, not signed, wider than its parent, or does not allow.

    `link` is the place in the chain of the one at fault, the root being 0; None if it stands alone.
    """

    def __init__(self, code: str, message: str, *, link: int | None = None) -> None:
        where = "" if link is None else f" (link {link} of the chain)"
        super().__init__(f"capability refused: {message}{where}", code=code)
        self.reason = message
        self.link = link


class SignatureError(InputError):
    """A signature that does not verify. It never says which half of a hybrid failed."""

    default_code = "bad-signature"


class KeyFormatError(InputError):
    """A key, key id or seed of the wrong suite, size or spelling."""

    default_code = "bad-key"


class KeyEventError(InputError):
    """A key event outside its schema, or one that cannot follow where it says it does."""

    def __init__(self, code: str, message: str, *, at: str = "") -> None:
        where = f" (at {at})" if at else ""
        super().__init__(f"key event refused: {message}{where}", code=code)
        self.reason = message
        self.at = at


class BadEntry(InputError):
    """A log entry must be the 36-byte CID of an operation block."""

    default_code = "bad-entry"


class BadHashLength(InputError):
    """Every hash given to a Merkle verifier is exactly 32 bytes."""

    default_code = "bad-hash-length"


class BadTreeProof(InputError):
    """An inclusion or consistency proof that does not lead to the given root."""

    default_code = "bad-tree-proof"


class BadTilePath(InputError):
    """A tile path outside the C2SP tlog-tiles grammar."""

    default_code = "bad-tile-path"


class BadNote(InputError):
    """A signed note or checkpoint that is malformed, unsigned, or signed wrongly."""

    default_code = "bad-note"


class BadTimestamp(InputError):
    """A timestamp that is none, codes ``ots.*``; `at` is a byte offset into it, if that is known.

    A number of the format that is passed is `LimitExceeded` instead.
    """

    def __init__(self, code: str, message: str, *, at: int | None = None) -> None:
        where = "" if at is None else f" (at byte {at:,})"
        super().__init__(f"{message}{where}", code=code)
        self.at = at


class NotExpressible(InputError):
    """What operations of OpenTimestamps cannot say.

    Codes ``depth``, ``no_hex_digest``, ``no_anchor`` and ``no_log``.
    """

    default_code = "not-expressible"


class ProofFormatError(InputError):
    """A proof file outside its format; `code` is one of ``format.*``."""

    def __init__(self, code: str, message: str, *, at: str = "") -> None:
        where = f" (at {at})" if at else ""
        super().__init__(f"{message}{where}", code=code)
        self.at = at


class TrustError(InputError):
    """A trust file outside its format."""

    default_code = "bad-trust"


class MalformedBitcoin(InputError):
    """Bytes that are not the Bitcoin value they are given as; `at` is a byte offset into them."""

    default_code = "malformed"

    def __init__(self, code: str, message: str, *, at: int | None = None) -> None:
        where = "" if at is None else f" (at byte {at})"
        super().__init__(f"{message}{where}", code=code)
        self.what = message
        self.at = at


class NonCanonicalSize(MalformedBitcoin):
    """A compact size longer than its number needs, code ``non-canonical-size``."""


class MalformedTransaction(MalformedBitcoin):
    """Bytes or values that are no transaction, or one beyond what a block can hold."""


class MalformedScript(MalformedBitcoin):
    """A script whose last push is cut off, text that is no script, or a number that is none."""


class MalformedBlock(MalformedBitcoin):
    """Bytes that are no block, block header or block filter."""


class MalformedAddress(MalformedBitcoin):
    """Text that is no address or secret key, or one of another network. It never quotes a key."""


class MalformedProof(MalformedBitcoin):
    """A proof of inclusion in a block that is malformed, ambiguous, or leads elsewhere."""


class PsbtError(MalformedBitcoin):
    """Bytes that are no partially signed transaction, or one that cannot be joined or finished."""


class BadHeader(InputError):
    """A block header that breaks a rule of its chain; `code` is the reason of Bitcoin Core."""

    default_code = "bad-header"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)


class CovenantError(InputError):
    """A covenant that cannot be built, spent or read as asked; `code` says which."""

    default_code = "covenant"


class ElementTooLarge(CovenantError):
    """A witness item or a join of items longer than a script can take, or than nodes relay."""

    default_code = "element-too-large"

    def __init__(self, what: str, maximum: int, actual: int, *, hint: str | None = None) -> None:
        super().__init__(f"{what}: {actual:,} bytes, more than {maximum:,}", hint=hint)
        self.maximum = maximum
        self.actual = actual


class GrindExhausted(CovenantError):
    """No lock time in reach gave a hash that ends in 01; begin at another lock time."""

    default_code = "grind-exhausted"


class UsageError(InputError):
    """A call that makes no sense as given."""

    default_code = "usage"


class ContentError(LodestampError):
    """Content that cannot be addressed, decoded or read."""

    default_code = "content"


class CodecError(ContentError):
    """A block outside its format, codes ``dagpb.*`` ``dagcbor.*`` ``dagjson.*``; `at` is a byte."""

    def __init__(self, code: str, message: str, *, at: int | None = None) -> None:
        where = "" if at is None else f" (at byte {at})"
        super().__init__(f"{message}{where}", code=code)
        self.at = at


class UnixFSError(ContentError):
    """A UnixFS node that is none or breaks its rules; `code` is one of ``unixfs.*``."""

    default_code = "unixfs.message"


class HamtError(ContentError):
    """A sharded directory that breaks its rules; `code` is one of ``hamt.*``."""

    default_code = "hamt"


class CarError(ContentError):
    """A CAR outside its format, codes ``car.*``; `at` is a byte offset into the file."""

    def __init__(self, code: str, message: str, *, at: int | None = None) -> None:
        where = "" if at is None else f" (at byte {at:,})"
        super().__init__(f"{message}{where}", code=code)
        self.at = at


class BlockMismatch(ContentError):
    """Bytes that are not the block `cid` names; `at` is where they stand, if that is known."""

    default_code = "block.mismatch"

    def __init__(
        self, cid: str, message: str, *, code: str | None = None, at: int | None = None
    ) -> None:
        where = "" if at is None else f" (at byte {at:,})"
        super().__init__(f"block {cid}: {message}{where}", code=code)
        self.cid = cid
        self.at = at


class BlockMissing(ContentError):
    """A block that is needed is not there; `cid` names it. Nothing is refuted by that."""

    default_code = "block.missing"

    def __init__(self, cid: str, *, hint: str | None = None) -> None:
        super().__init__(f"block {cid} is not here", hint=hint)
        self.cid = cid


class PathError(ContentError):
    """A path that cannot be followed, or a name that is never written to disk; codes ``path.*``."""

    default_code = "path"


class IpnsError(ContentError):
    """An IPNS name or record that does not hold; codes ``ipns.*``."""

    default_code = "ipns"


class PinError(ContentError):
    """A pin or a request for one that cannot be met: ``pin.*``.

    ``pin.incomplete`` when blocks of the DAG are missing, ``pin.unknown`` when there is no such pin
    or request, ``pin.request`` when it is not of the standard's form, ``pin.quota`` when its tenant
    has as many as are taken.
    """

    default_code = "pin"


class SourceError(ContentError):
    """The file being read is missing, unreadable, special, or changed while it was read."""

    default_code = "source"


class RemoteError(ContentError):
    """A service asked for blocks, pins or tiles is away, refuses or talks nonsense: ``remote.*``.

    `status` is the HTTP status of a refusal.
    """

    default_code = "remote"

    def __init__(self, message: str, *, code: str, status: int | None = None) -> None:
        super().__init__(message, code=code)
        self.status = status


class GatewayRefusal(ContentError):
    """A request that the trustless gateway does not serve: codes ``gateway.*``.

    `status` is the HTTP status that says why; `headers` go with the answer.
    """

    default_code = "gateway"

    def __init__(
        self, status: int, message: str, *, code: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.headers = dict(headers or {})


class RecordError(LodestampError):
    """The recorder refuses to act."""

    default_code = "record"


class CausalError(RecordError):
    """An operation refers to operations this log does not hold; `missing` lists their ids."""

    default_code = "missing-causal-reference"

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class UnknownOperation(RecordError):
    """No operation of this id is in the log, or of this type can be run by a flow."""

    default_code = "unknown-operation"


class LogLockedError(RecordError):
    """Another writer held the log for longer than we wait."""

    default_code = "log-locked"


class ChainError(LodestampError):
    """What a Bitcoin node, or the simulator in its place, cannot or will not do."""

    default_code = "chain"


class ChainUnavailable(ChainError):
    """The node does not answer: not started, not reachable, or too slow."""

    default_code = "chain-unavailable"


class ChainAuthError(ChainError):
    """The node refuses our user, password or cookie."""

    default_code = "chain-auth"


class ChainWarmup(ChainError):
    """The node is still starting (RPC error -28); try again soon."""

    default_code = "chain-warmup"


class ChainNotFound(ChainError):
    """The node has no such block, transaction or output, or no index to find it by."""

    default_code = "chain-not-found"


class ChainRejected(ChainError):
    """The chain refuses a transaction or a block.

    `reason` is the node's own word; `script_error` the name of the script rule, where one failed.
    """

    default_code = "chain-rejected"

    def __init__(self, reason: str, *, script_error: str | None = None) -> None:
        super().__init__(f"the chain refuses it: {reason}")
        self.reason = reason
        self.script_error = script_error


class ChainRpcError(ChainError):
    """The node answers with an error, or with something that contradicts itself.

    `rpc_code` is the node's number; 0 where the answer was ours to refuse.
    """

    default_code = "chain-rpc"

    def __init__(self, rpc_code: int, message: str) -> None:
        super().__init__(f"the node says: {message}" if rpc_code else message)
        self.rpc_code = rpc_code


class ChainUnsupported(ChainError):
    """This backend cannot do what was asked of it."""

    default_code = "chain-unsupported"

    def __init__(self, call: str, backend: str) -> None:
        super().__init__(f"{backend} has no {call}")
        self.call = call
        self.backend = backend


class WrongNetwork(ChainError):
    """The node is on another chain than was configured: its genesis block differs."""

    default_code = "wrong-network"


class CovenantsNotActive(ChainError):
    """Covenants would bind nothing there: the chain does not report the deployment as active."""

    default_code = "covenants-not-active"


class FeeTooHigh(ChainError):
    """A spend would pay more than a tenth of its value, 0.01 BTC, or 200 satoshis a vB, in fees."""

    default_code = "fee-too-high"


class FundsError(ChainError):
    """There are not enough coins of this key, or the key file cannot be used."""

    default_code = "funds"


class OwnershipError(LodestampError):
    """What Open Publish in Bitcoin blocks cannot be read as, or cannot be read from."""

    default_code = "ownership"


class CarrierMalformed(OwnershipError):
    """Payloads that carry nothing.

    `reason` is one of ``header``, ``count``, ``deflate``, ``compressed-size``, ``inflated-size``.
    """

    default_code = "carrier-malformed"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CarrierTooLarge(OwnershipError):
    """More compressed bytes than sixteen payloads carry."""

    default_code = "carrier-too-large"

    def __init__(self, maximum: int, actual: int, *, hint: str | None = None) -> None:
        super().__init__(
            f"{actual:,} compressed bytes do not fit the {maximum:,} of sixteen payloads", hint=hint
        )
        self.maximum = maximum
        self.actual = actual


class OperationMalformed(OwnershipError):
    """Carried text that is no operation.

    `reason` is one of ``not-json``, ``too-deep``, ``not-object``, ``bad-op``, ``bad-sha1``,
    ``bad-value``.
    """

    default_code = "operation-malformed"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BlockMalformed(OwnershipError):
    """Bytes that are no block, or one that its header does not stand for.

    `offset` is where in the block's bytes; `reason` is one of ``size``, ``cut-short``,
    ``non-canonical-size``, ``marker``, ``no-inputs``, ``superfluous-witness``, ``trailing``,
    ``link``, ``proof-of-work``, ``merkle-root``, ``mutated-tree``.
    """

    default_code = "block-malformed"

    def __init__(self, reason: str, message: str, *, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset:,})")
        self.reason = reason
        self.offset = offset


class SourceIncomplete(OwnershipError):
    """A transaction or output that decides cannot be had now; nothing is refuted by that.

    `txid` is the transaction's, 32 bytes, internal order.
    """

    default_code = "source-incomplete"

    def __init__(self, txid: bytes, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"transaction {txid[::-1].hex()}: {message}", hint=hint)
        self.txid = txid


class SourceStale(OwnershipError):
    """A source whose chain lost blocks that are stored, without a branch of more work."""

    default_code = "source-stale"


class ConservationBroken(OwnershipError):
    """The units of a work do not add up to those registered: the state is damaged, or the rules."""

    default_code = "conservation-broken"

    def __init__(self, sha1: str, message: str) -> None:
        hint = "nothing was stored; scan again from before the block, or into a new store"
        super().__init__(f"work {sha1}: {message}", hint=hint)
        self.sha1 = sha1


class RulesMismatch(OwnershipError):
    """A store, or results, of other rules or of another network than asked for."""

    default_code = "rules-mismatch"

    def __init__(self, message: str, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)


class ScanBehind(OwnershipError):
    """A scan that does not stand where its chain does: it cannot say what would hold there."""

    default_code = "scan-behind"

    def __init__(self, height: int, source_height: int) -> None:
        other = "; its block there is another" if height >= source_height else ""
        super().__init__(
            f"the scan stands at height {height:,}, the chain at {source_height:,}{other}",
            hint="`lodestamp ownership scan` brings it there",
        )
        self.height = height
        self.source_height = source_height


class ScannerBusy(OwnershipError):
    """Another scanner writes this store, or took over because this one was silent for too long."""

    default_code = "scanner-busy"


class StoreOrderError(OwnershipError):
    """A block that does not follow the stored tip, or one to be undone that is not the tip."""

    default_code = "store-order"


class WorkUnknown(OwnershipError):
    """A work that nobody had registered at the height that was asked for."""

    default_code = "work-unknown"

    def __init__(self, sha1: str, height: int) -> None:
        hint = "is it the SHA-1 of the file, and is the scan beyond its registration?"
        super().__init__(f"nobody registered the work {sha1} up to height {height:,}", hint=hint)
        self.sha1 = sha1
        self.height = height


class HeightUnknown(OwnershipError):
    """A height above the stored tip, or below the first block that was scanned."""

    default_code = "height-unknown"

    def __init__(self, height: int, lowest: int, highest: int) -> None:
        message = f"height {height:,} is not among those scanned, {lowest:,} to {highest:,}"
        if highest < lowest:
            message = "no block was scanned yet"
        super().__init__(message)
        self.height = height
        self.lowest = lowest
        self.highest = highest


class TooLarge(OwnershipError):
    """A table of dividends whose exact float form has too many terms; ask for another view."""

    default_code = "too-large"

    def __init__(self, maximum: int, actual: int) -> None:
        hint = "ask for the view classic_e8 or owed_e8, which are computed in one pass"
        super().__init__(f"{actual:,} tips times holders, more than {maximum:,}", hint=hint)
        self.maximum = maximum
        self.actual = actual


class WouldBeInvalid(OwnershipError):
    """What is to be written would have no effect; `reason` is the rules' word for why."""

    default_code = "would-be-invalid"

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"it would have no effect, {reason}: {message}", hint=hint)
        self.reason = reason


class ProofMalformed(OwnershipError):
    """Bytes that are no proof of ownership; `at` is a JSON pointer into the document."""

    default_code = "proof-malformed"

    def __init__(self, message: str, *, at: str = "") -> None:
        where = f" (at {at})" if at else ""
        super().__init__(f"no proof of ownership: {message}{where}")
        self.at = at


class ReorgTooDeep(LodestampError):
    """The chain changed further back than is remembered; start again from a deeper point."""

    default_code = "reorg-too-deep"


class FlowError(LodestampError):
    """A data flow that cannot begin or go on as asked; `code` says why."""

    default_code = "flow"


class MalformedPacket(FlowError):
    """A packet with unknown or missing keys, unknown stages or states, or values of other kinds."""

    default_code = "malformed-packet"


class MalformedPattern(FlowError):
    """A pattern that holds anything this version does not enforce."""

    default_code = "malformed-pattern"


class ConcatTooLong(FlowError):
    """A join of more bytes than one element of a script holds; nothing is ever cut off."""

    default_code = "concat-too-long"

    def __init__(self, maximum: int, actual: int) -> None:
        super().__init__(f"{actual:,} bytes to join, more than {maximum:,}")
        self.maximum = maximum
        self.actual = actual


class PacketNotFound(FlowError):
    """The store holds no packet of this id."""

    default_code = "packet-not-found"


class PatternNotFound(FlowError):
    """No pattern of this name is registered."""

    default_code = "pattern-not-found"


class StageOrderError(FlowError):
    """A stage out of its turn: the one before is not completed, or the flow is finished."""

    default_code = "stage-order"


class LeaseLost(FlowError):
    """Another runner works on this packet, or took it over."""

    default_code = "lease-lost"


class SyncError(LodestampError):
    """Two nodes did not come together: ``unrelated`` histories, or a mode that cannot do it."""

    default_code = "sync"


class PeerError(SyncError):
    """A peer that is away, refuses, or answers something that is no answer; `code` says which."""

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"the peer: {message}", code=code, hint=hint)


class SnapshotGoneError(SyncError):
    """The set being compared is no longer kept, or its key was renewed: start again."""

    default_code = "snapshot-gone"


class CalendarError(LodestampError):
    """A calendar that is away, busy, refuses, or answers what is no timestamp: ``calendar.*``."""

    def __init__(self, code: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, code=code, hint=hint)


class AccessError(LodestampError):
    """Who asks is not known here, or may not have what is asked for."""

    default_code = "unauthenticated"


class ListenError(LodestampError):
    """An address that cannot be listened on: taken, not this machine's, or not permitted."""

    default_code = "listen"


class StoreError(LodestampError):
    """The disk, the database or the file system failed; nothing was acknowledged."""

    default_code = "store"


class LogCorrupt(StoreError):
    """Stored bytes contradict each other, or a checkpoint that was already published."""

    default_code = "log-corrupt"


class HomeError(LodestampError):
    """The home folder is absent, not ours, or without the rights we need."""

    default_code = "home"
