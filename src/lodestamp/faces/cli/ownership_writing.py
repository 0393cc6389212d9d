"""The verbs of ownership that write: register, transfer, tip, pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.core.content import DEFAULT
from lodestamp.errors import UsageError
from lodestamp.faces.cli.exits import DONE, REFUSED
from lodestamp.faces.cli.options import Chain, Json, Profile
from lodestamp.faces.cli.ownership import Store, opened_store
from lodestamp.faces.cli.ownership_reading import Sha1
from lodestamp.faces.cli.progress import progress_bar

if TYPE_CHECKING:
    from lodestamp.core.bitcoin import NetworkParams, Psbt
    from lodestamp.core.ownership import Owner
    from lodestamp.node.chains import FileSigner
    from lodestamp.node.scanner import Draft, OwnershipWriter, Payer

KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="F", help="Who signs: a key file. Regtest and simulator."),
]
Script = Annotated[
    str | None,
    typer.Option(
        "--script",
        metavar="KIND",
        help="Which coins of the key: p2tr, p2wpkh, p2pkh. Default: p2tr; p2pkh under peer_compat.",
    ),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="ADDR", help="Who signs, by address: for --psbt, or --script."),
]
FeeRate = Annotated[
    int | None,
    typer.Option("--fee-rate", metavar="R", help="Satoshis per 1,000 vB. Default: the chain's."),
]
PsbtFile = Annotated[
    Path | None,
    typer.Option("--psbt", metavar="FILE", help="Write what is to be signed, for a wallet."),
]
Finalize = Annotated[
    list[Path] | None,
    typer.Option("--finalize", metavar="FILE", help="A PSBT that was signed; may be repeated."),
]
Broadcast = Annotated[bool, typer.Option("--broadcast", help="Send what is signed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and judge; sign and send nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Send also what would have no effect.")]
To = Annotated[str, typer.Option("--to", metavar="ADDR", help="Who is to get it.")]


@dataclass(frozen=True, slots=True)
class Way:
    """How something is to be written: who signs, how, and whether it is sent."""

    chain: str
    store: str | None
    key_file: Path | None
    script: str | None
    address: str | None
    fee_rate: int | None
    psbt: Path | None
    finalize: Sequence[Path] | None
    broadcast: bool
    dry_run: bool
    force: bool
    as_json: bool

    def __post_init__(self) -> None:
        if self.key_file is None and self.address is None:
            raise UsageError("nobody signs", hint="--key-file FILE, or --from ADDR with --psbt")
        if self.dry_run and (self.broadcast or self.psbt or self.finalize):
            raise UsageError("--dry-run goes with none of --broadcast, --psbt, --finalize")
        if self.broadcast and not self.finalize and (self.psbt or self.key_file is None):
            raise UsageError("nothing is signed yet that could be sent", hint="see --finalize")

    @property
    def signs_here(self) -> bool:
        """Whether keys at hand are to sign."""
        by_wallet = self.psbt is not None or self.finalize
        return self.key_file is not None and not (by_wallet or self.dry_run)


def register(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The work.")],
    *,
    title: Annotated[str | None, typer.Option("--title", metavar="T")] = None,
    keywords: Annotated[str | None, typer.Option("--keywords", metavar="K")] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="N", help="Default: the file's own.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--type", metavar="M", help="Its media type; default: by name.")
    ] = None,
    link_operation: Annotated[
        bool, typer.Option("--link-operation", help="Also state its CID: uri ipfs://CID.")
    ] = False,
    profile: Profile = DEFAULT,
    key_file: KeyFile = None,
    script: Script = None,
    payer: From = None,
    fee_rate: FeeRate = None,
    psbt: PsbtFile = None,
    finalize: Finalize = None,
    broadcast: Broadcast = False,
    dry_run: DryRun = False,
    force: Force = False,
    chain: Chain = "sim:",
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Register a work: all of it belongs to who registers it first.

    Example: lodestamp ownership register song.flac --key-file funds.wif --broadcast
    """
    from lodestamp.node.scanner import read_digests, registration_of  # noqa: PLC0415

    way = Way(
        chain, store, key_file, script, payer, fee_rate,
        psbt, finalize, broadcast, dry_run, force, as_json,
    )  # fmt: skip
    with progress_bar(f"reading {file.name}") as bar:
        found = read_digests(file, profile=profile, progress=bar)
    text = registration_of(
        file, found, name=name, kind=kind, title=title, keywords=keywords, link=link_operation
    )
    return _write(context, way, lambda desk: desk.writer.register(text, desk.payer))


def transfer(
    context: typer.Context,
    sha1: Sha1,
    *,
    to: To,
    value: Annotated[int, typer.Option("--value", metavar="N", help="Units, of 100,000,000.")],
    price: Annotated[int, typer.Option("--price", metavar="SAT", help="What the buyer pays.")],
    key_file: KeyFile = None,
    buyer_key_file: Annotated[
        Path | None, typer.Option("--buyer-key-file", metavar="F", help="The key of --to.")
    ] = None,
    script: Script = None,
    payer: From = None,
    fee_rate: FeeRate = None,
    psbt: PsbtFile = None,
    finalize: Finalize = None,
    broadcast: Broadcast = False,
    dry_run: DryRun = False,
    force: Force = False,
    chain: Chain = "sim:",
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Hand over units of a work for a price; seller (--key-file) and buyer both sign.

    Example: lodestamp ownership transfer SHA1 --to ADDR --value 100 --price 5000 --dry-run
    """
    way = Way(
        chain, store, key_file, script, payer, fee_rate,
        psbt, finalize, broadcast, dry_run, force, as_json,
    )  # fmt: skip
    if way.signs_here and buyer_key_file is None:
        raise UsageError("the buyer signs, too", hint="--buyer-key-file, or --psbt for wallets")

    def draft(desk: _Desk) -> Draft:
        buyer = desk.named(to)
        if buyer_key_file is not None:
            buyer = desk.holding(buyer_key_file, None, to)
        return desk.writer.transfer(sha1, value, price, seller=desk.payer, buyer=buyer)

    return _write(context, way, draft)


def tip(
    context: typer.Context,
    sha1: Sha1,
    *,
    amount: Annotated[int, typer.Option("--amount", metavar="SAT", help="Satoshis.")] = 10_000,
    key_file: KeyFile = None,
    script: Script = None,
    payer: From = None,
    fee_rate: FeeRate = None,
    psbt: PsbtFile = None,
    finalize: Finalize = None,
    broadcast: Broadcast = False,
    dry_run: DryRun = False,
    force: Force = False,
    chain: Chain = "sim:",
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Tip a work: its registrant is paid, and owes the holders their shares.

    Example: lodestamp ownership tip SHA1 --amount 20000 --key-file fan.wif --broadcast
    """
    way = Way(
        chain, store, key_file, script, payer, fee_rate,
        psbt, finalize, broadcast, dry_run, force, as_json,
    )  # fmt: skip
    return _write(context, way, lambda desk: desk.writer.tip(sha1, desk.payer, amount=amount))


def pay(
    context: typer.Context,
    sha1: Sha1,
    *,
    to: To,
    amount: Annotated[int | None, typer.Option("--amount", metavar="SAT", help="Satoshis.")] = None,
    owed: Annotated[
        bool, typer.Option("--owed", help="As many whole satoshis as are owed.")
    ] = False,
    key_file: KeyFile = None,
    script: Script = None,
    payer: From = None,
    fee_rate: FeeRate = None,
    psbt: PsbtFile = None,
    finalize: Finalize = None,
    broadcast: Broadcast = False,
    dry_run: DryRun = False,
    force: Force = False,
    chain: Chain = "sim:",
    store: Store = None,
    as_json: Json = False,
) -> int:
    """Pass dividends of a work on to a holder; only its registrant does.

    Example: lodestamp ownership pay SHA1 --to ADDR --owed --key-file funds.wif --broadcast
    """
    if owed == (amount is not None):
        raise UsageError("say how much: --amount SAT or --owed")
    way = Way(
        chain, store, key_file, script, payer, fee_rate,
        psbt, finalize, broadcast, dry_run, force, as_json,
    )  # fmt: skip
    return _write(
        context,
        way,
        lambda desk: desk.writer.pay(sha1, desk.owner(to), desk.payer, amount=amount),
    )


class _Desk:
    """The writer, and the keys and addresses it is to write with."""

    def __init__(self, writer: OwnershipWriter, way: Way) -> None:
        self.writer = writer
        self.signers: list[FileSigner] = []
        if way.key_file is None:
            self.payer = self.named(way.address or "")
        else:
            self.payer = self.holding(way.key_file, way.script, way.address)

    @property
    def _net(self) -> NetworkParams:
        return self.writer.network

    def owner(self, address: str) -> Owner:
        from lodestamp.node.scanner import owner_of  # noqa: PLC0415

        return owner_of(address, self._net)

    def named(self, address: str) -> Payer:
        from lodestamp.node.scanner import Payer  # noqa: PLC0415

        return Payer(self.owner(address))

    def holding(self, path: Path, kind: str | None, address: str | None) -> Payer:
        """Return the owner that a key file stands for, and let it sign."""
        from lodestamp.node.chains import FileSigner, KeyScript, key_scripts  # noqa: PLC0415
        from lodestamp.node.scanner import Payer  # noqa: PLC0415

        signer = FileSigner(path, self._net)
        scripts = key_scripts(signer)
        usual = KeyScript.P2TR if self.writer.rules.is_strict else KeyScript.P2PKH
        if kind is not None and kind not in tuple(KeyScript):
            raise UsageError(f"no --script {kind!r}", hint=f"one of {', '.join(KeyScript)}")
        found = scripts.get(usual if kind is None else KeyScript(kind))
        if address is not None:
            found = self.owner(address)
        if found is None or found not in scripts.values():
            raise UsageError(f"the key in {path} has no such address")
        self.signers.append(signer)
        return Payer(found, len(signer.public_key()))


def _write(context: typer.Context, way: Way, draft: Callable[[_Desk], Draft]) -> int:
    """Draft, sign or let sign, and send, as far as was asked; tell all of it."""
    from lodestamp.faces.cli.bitcoin import open_chain  # noqa: PLC0415
    from lodestamp.faces.cli.ownership_words import show_draft  # noqa: PLC0415
    from lodestamp.node.scanner import OwnershipWriter  # noqa: PLC0415

    with (
        closing(open_chain(context, way.chain)) as source,
        opened_store(context, way.store) as opened,
    ):
        desk = _Desk(OwnershipWriter(source, opened, fee_rate=way.fee_rate), way)
        done = draft(desk)
        if way.signs_here:
            done = desk.writer.sign(done, desk.signers)
        if way.finalize:
            done = desk.writer.finish(done, [_psbt_in(each) for each in way.finalize])
        written = [] if way.psbt is None else _write_psbts(way.psbt, desk.writer, done)
        if way.broadcast:
            done = desk.writer.send(done, force=way.force)
        show_draft(done, desk.writer.network, written, as_json=way.as_json)
    return DONE if done.judged.reason is None or done.is_sent else REFUSED


def _psbt_in(path: Path) -> Psbt:
    from lodestamp.core.bitcoin import Psbt  # noqa: PLC0415
    from lodestamp.faces.cli.files import read_file  # noqa: PLC0415

    return Psbt.decode(read_file(path))


def _write_psbts(target: Path, writer: OwnershipWriter, draft: Draft) -> list[Path]:
    """Write a PSBT per step that can be signed now, of several under names with numbers."""
    from lodestamp.faces.cli.files import write_result  # noqa: PLC0415

    first, count = len(draft.signed) + 1, len(draft.plan.steps)
    written = []
    for at, psbt in enumerate(writer.psbts(draft), first):
        path = target if count == 1 else target.with_suffix(f".{at}{target.suffix or '.psbt'}")
        write_result(path, psbt.encode(), force=False)
        written.append(path)
    return written


def add_verbs(ownership: typer.Typer) -> None:
    """Put these verbs under ``ownership``."""
    for verb in (register, transfer, tip, pay):
        ownership.command()(verb)
