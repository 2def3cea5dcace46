"""`databourse price METHOD --facts FILE|-`: a quote as JSON, for anyone who wants to check a price.

Exit codes: 0 a quote was printed, 1 the mechanism refuses, 2 the facts are malformed or unreadable.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from base.errors import DomainError, Malformed, Refusal
from pricing.facts import parse_facts
from pricing.methods import METHODS, quote

MAX_FACTS_BYTES: Final = 4 * 1024 * 1024
REFUSED: Final = 1
MALFORMED: Final = 2


def price(
    method: Annotated[str, typer.Argument(help="One of: " + ", ".join(sorted(METHODS)))],
    facts: Annotated[str, typer.Option("--facts", help="A JSON file of facts, or - for standard input")],
) -> None:
    """Print the quote of a pricing method for the given facts, with its reasons.

    The keys of each method stand in docs/pricing.md.
    """
    try:
        printed = quote(method, parse_facts(read_facts(facts))).canonical()
    except DomainError as error:
        facts_of_it = "".join(f"; {name}: {value}" for name, value in error.facts.items())
        typer.echo(f"{error.code}: {error.detail}{facts_of_it}", err=True)
        raise typer.Exit(REFUSED if isinstance(error, Refusal) else MALFORMED) from None
    typer.echo(printed.decode())


def read_facts(facts: str) -> bytes:
    """The bytes of a file of facts, or of standard input. Raises Malformed."""
    try:
        if facts == "-":
            raw = sys.stdin.buffer.read(MAX_FACTS_BYTES + 1)
        else:
            with Path(facts).open("rb") as file:
                raw = file.read(MAX_FACTS_BYTES + 1)
    except OSError as error:
        raise Malformed(f"the facts cannot be read: {error.strerror}", file=facts) from None
    if len(raw) > MAX_FACTS_BYTES:
        raise Malformed("the facts are too large", limit=MAX_FACTS_BYTES)
    return raw
