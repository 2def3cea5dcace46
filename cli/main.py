"""`databourse`: one command, one file each, loaded when it is called.

An auditor's command neither waits for the web stack of the exchange nor needs it to be sound. So the
commands are named here, and `--help` shows these words alone; a test compares them with the commands.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from base.garbage import uncollected

HELP: Final = "A data exchange that people can trust because they can check it."
OFFERED: Final = MappingProxyType(
    {
        "keys": ("cli.keys:app", "Make and look at self-held keys; turn over the node's own."),
        "serve": ("cli.serve:serve", "Serve the API and the pages."),
        "sequencer": (
            "cli.serve:sequencer",
            "Sequence the log and run what falls due, without serving anything.",
        ),
        "migrate": ("cli.migrate:migrate", "Bring the database to the newest schema."),
        "found": (
            "cli.found:found_exchange",
            "Found an exchange in an empty database: its log, its operator, the operator's first person.",
        ),
        "enrol": (
            "cli.found:enrol_officer",
            "Enrol one more person of the operator on this machine's word, not on that of the first.",
        ),
        "export": (
            "cli.export:export",
            "Write the published log as a bundle: entries, tiles, checkpoints, keys, signed manifest.",
        ),
        "backup": (
            "cli.backup:backup",
            "Back up keys, files and database into one encrypted file; the exchange may run meanwhile.",
        ),
        "restore": (
            "cli.backup:restore",
            (
                "Put a backup back, once it is proved whole and no older than the published log. "
                "Stop the node first."
            ),
        ),
        "recover": (
            "cli.recover:app",
            "Go on after the log's newest entries were lost, on a regulator's order.",
        ),
        "node": (
            "cli.node:node",
            "Print who this node is, or start it; its keys are made on first use.",
        ),
        "receipt": (
            "cli.receipt:receipt",
            "Check a receipt offline: a `.tlog-proof` with its entry, or one that leads to a province.",
        ),
        "credential": (
            "cli.credential:app",
            "Check a broker's credential or an asset certificate against its status list.",
        ),
        "audit": (
            "cli.audit:audit",
            (
                "Check a log from outside, without trusting the exchange: "
                "entries, chain, tree, signatures, keys, files."
            ),
        ),
        "account": (
            "cli.account:account",
            (
                "Check a statement of account against a bundle: "
                "every line, every sum, and that nothing is left out."
            ),
        ),
        "conduct": (
            "cli.conduct:conduct",
            "Make a broker's conduct score from a bundle, with every reason and the entries where it stands.",
        ),
        "evidence": (
            "cli.evidence:evidence",
            "Derive the evidence tables from a ledger bundle (regulator edition).",
        ),
        "provenance": (
            "cli.provenance:provenance",
            (
                "Tell a product's history from a bundle: "
                "sources, quality, trades, deliveries, each with its entry."
            ),
        ),
        "check": (
            "cli.check:check",
            (
                "Measure a delivered copy by its listing's quality contract, "
                "and say what was kept of each promise."
            ),
        ),
        "accesses": (
            "cli.accesses:accesses",
            "Verify the exported log of a confidential item against a bundle: none missing, none false.",
        ),
        "trace": (
            "cli.trace:trace",
            "Name the delivery that a leaked copy came from, with its confidence.",
        ),
        "supervise": (
            "cli.supervise:supervise",
            "Run the supervision rules on evidence tables and write the findings.",
        ),
        "analyse": (
            "cli.analyse:analyse",
            "Write concentration by month, prices, flows and exports, as a regulator looks at them.",
        ),
        "dossier": (
            "cli.rederive:dossier",
            "Hand a finding over: every entry it cites, and the proof that it stands in the log.",
        ),
        "rederive": (
            "cli.rederive:rederive",
            (
                "Derive a finding again from the public log and one's own openings, "
                "or say what cannot be seen."
            ),
        ),
        "statistics": (
            "cli.statistics:statistics",
            "Write a month's statistics: by sector, region, right and level, flows, prices, survey, tie-out.",
        ),
        "price": (
            "cli.price:price",
            "Print the quote of a pricing method for the given facts, with its reasons.",
        ),
        "fine": (
            "cli.fine:fine",
            "Print from what to what a fine may be for the given facts, with its reasons; the human decides.",
        ),
        "pull": (
            "cli.pull:pull",
            "Fetch a file that was bought: resumable, with a progress bar, verified against its digest.",
        ),
        "open": (
            "cli.packages:open_it",
            "Open an encrypted package with the key that was released for it.",
        ),
        "sign": ("cli.sign:sign", "Check a prepared act, show what it says, and sign it with your own key."),
        "demo": (
            "cli.demo.command:demo",
            "Run the whole exchange on real data: a year of trades, then one trade step by step.",
        ),
    }
)


def load(name: str) -> TyperCommand | TyperGroup:
    """The command of a name, imported now. Raises KeyError for a name that is not offered."""
    module, _, attribute = OFFERED[name][0].partition(":")
    with uncollected():  # of the seconds in which the web stack is loaded it is a quarter
        offered = getattr(import_module(module), attribute)
    if isinstance(offered, typer.Typer):
        command: Any = get_group(offered)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(offered)
        command = get_command(alone)
    command.name = name
    return cast("TyperCommand | TyperGroup", command)


class _WhenAsked(MutableMapping[str, Any]):
    """The commands by name; looking one up loads it, listing them loads none."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(OFFERED)

    def __len__(self) -> int:
        return len(OFFERED)

    def __contains__(self, name: object) -> bool:
        return name in OFFERED


class Commands(TyperGroup):
    """The group of all commands: a list of words until one is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes | {"commands": None})
        self.commands = _WhenAsked()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the group's form
        return list(OFFERED)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002 - the group's form
        """What a list of commands says of one."""
        if cmd_name not in OFFERED:
            return None
        return TyperCommand(cmd_name, help=OFFERED[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called, and what is left of the line for it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, None if found is None or name is None else self.commands[name], rest


app = typer.Typer(
    name="databourse",
    cls=Commands,
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(help=HELP)
def databourse() -> None:
    """Every command is a file of its own in this folder."""
