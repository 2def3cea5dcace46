"""`databourse`: one command, one file each."""

import typer

from cli import audit, evidence, export, keys, node, price, serve, sign, supervise
from cli.demo import command

app = typer.Typer(
    name="databourse",
    help="A data exchange that people can trust because they can check it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(keys.app, name="keys")
for offered in (
    serve.serve,
    serve.sequencer,
    serve.migrate,
    export.export,
    node.node,
    audit.audit,
    evidence.evidence,
    supervise.supervise,
    price.price,
    sign.sign,
):
    app.command()(offered)
app.command()(command.demo)
app.command(name="found")(serve.found_exchange)
