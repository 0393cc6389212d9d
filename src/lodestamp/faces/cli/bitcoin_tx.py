"""Verbs about one transaction: what it says, and whether its scripts allow what it spends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lodestamp.faces.cli.bitcoin_words import hex_in, json_in
from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.files import INPUT_SIZE_MAX
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from lodestamp.core.bitcoin import Flag, ScriptVerdict, Step, Transaction, TxOut

tx = typer.Typer(help="Decode and check transactions.")


@tx.command("decode")
def decode(
    text: Annotated[str, typer.Argument(metavar="HEX", help="Hex, or - for standard input.")],
    *,
    as_json: Json = False,
) -> None:
    """Print what a transaction spends and pays.

    Example: lodestamp bitcoin tx decode - < tx.hex
    """
    del as_json  # the form is JSON in either case
    found = _transaction(text)
    print_json(
        {
            "txid": found.txid_display,
            "wtxid": found.wtxid[::-1].hex(),
            "version": found.version,
            "locktime": found.locktime,
            "weight": found.weight,
            "vsize": found.vsize,
            "inputs": [
                {
                    "prevout": str(each.prevout),
                    "script_sig": each.script_sig.hex(),
                    "sequence": each.sequence,
                    "witness": [item.hex() for item in each.witness],
                }
                for each in found.inputs
            ],
            "outputs": [
                {"amount": each.amount, "script": each.script.hex()} for each in found.outputs
            ],
        }
    )


@tx.command()
def check(
    text: Annotated[str, typer.Argument(metavar="HEX", help="Hex, or - for standard input.")],
    *,
    spent: Annotated[
        Path,
        typer.Option("--spent", metavar="FILE", help='JSON: [{"amount": sats, "script": hex}…].'),
    ],
    flags: Annotated[
        str,
        typer.Option(
            "--flags",
            metavar="F",
            help="inquisition (CAT and CTV), mainnet, standard, or names: P2SH,WITNESS,TAPROOT.",
        ),
    ] = "inquisition",
    trace: Annotated[
        bool, typer.Option("--trace", help="Print every opcode with the stack before it.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Run every input's scripts against the outputs it spends, in input order.

    Example: lodestamp bitcoin tx check HEX --spent spent.json --flags mainnet --trace
    """
    from lodestamp.core.bitcoin import check_transaction  # noqa: PLC0415

    found, coins, rules = _transaction(text), _spent_in(spent), _flags_in(flags)
    fault = check_transaction(found)
    verdicts = _judge(found, coins, rules, _tracer(as_json=as_json) if trace else None)
    failed = next((n for n, each in enumerate(verdicts) if not each.ok), None)
    error = fault if fault or failed is None else verdicts[failed].error
    position = None if fault or failed is None else verdicts[failed].position
    ok = error is None
    place = None if fault else failed
    if as_json:
        told = None if error is None else str(error)
        print_json({"ok": ok, "error": told, "input": place, "position": position})
    else:
        say("ok" if ok else f"refused: {error}" + ("" if place is None else f", input {place}"))
    return 0 if ok else 1


def _judge(
    found: Transaction,
    coins: Sequence[TxOut],
    flags: Flag,
    tell: Callable[[int, Step], None] | None,
) -> list[ScriptVerdict]:
    from lodestamp.core.bitcoin import SignatureHashes, verify_input  # noqa: PLC0415

    hashes = SignatureHashes(found, coins)
    verdicts = []
    for n in range(len(found.inputs)):
        trace = None if tell is None else partial(tell, n)
        verdicts.append(verify_input(found, n, coins, flags, trace=trace, hashes=hashes))
    return verdicts


def _tracer(*, as_json: bool) -> Callable[[int, Step], None]:
    """Return what prints one step of one input, so that a long script fills no memory."""

    def tell(place: int, step: Step) -> None:
        stack = [each.hex() for each in step.stack]
        if as_json:
            print_json(
                {
                    "input": place,
                    "version": step.version.name,
                    "position": step.position,
                    "op": step.op.name,
                    "pushed": None if step.pushed is None else step.pushed.hex(),
                    "executed": step.is_executed,
                    "stack": stack,
                    "altstack": [each.hex() for each in step.altstack],
                }
            )
            return
        shown = " ".join(f"<{each}>" for each in stack)
        skipped = "" if step.is_executed else "  (skipped)"
        pushed = "" if step.pushed is None else f" <{step.pushed.hex()}>"
        say(f"{place}:{step.version.name} {step.position:4}  {step.op.name}{pushed}{skipped}")
        say(f"    stack  {shown}")

    return tell


def _flags_in(text: str) -> Flag:
    """Return the rules of a set's name, or of flags' names joined by commas; UsageError else."""
    from lodestamp.core.bitcoin import (  # noqa: PLC0415
        CONSENSUS,
        CONSENSUS_CAT_CTV,
        NONE,
        STANDARD,
        Flag,
    )
    from lodestamp.errors import UsageError  # noqa: PLC0415

    named = {"inquisition": CONSENSUS_CAT_CTV, "mainnet": CONSENSUS, "standard": STANDARD}
    if text in named:
        return named[text]
    found = NONE
    for name in text.split(","):
        if name not in Flag.__members__:
            hint = f"{', '.join(named)}, or of {','.join(Flag.__members__)}"
            raise UsageError(f"{name!r} is no rule for scripts", hint=hint)
        found |= Flag[name]
    return found


def _transaction(text: str) -> Transaction:
    from lodestamp.core.bitcoin import Transaction  # noqa: PLC0415

    given = sys.stdin.read(INPUT_SIZE_MAX) if text == "-" else text
    return Transaction.decode(hex_in(given))


def _spent_in(path: Path) -> list[TxOut]:
    from lodestamp.core.bitcoin import TxOut  # noqa: PLC0415
    from lodestamp.errors import UsageError  # noqa: PLC0415

    document = json_in(path)
    if not isinstance(document, list) or not all(
        isinstance(each, dict)
        and each.keys() == {"amount", "script"}
        and type(each["amount"]) is int
        and isinstance(each["script"], str)
        for each in document
    ):
        raise UsageError(f'{path} is no list of {{"amount", "script"}}')
    return [TxOut(each["amount"], hex_in(each["script"])) for each in document]
