"""`databourse fine --facts FILE|-`: the lawful range of a fine as JSON, for anyone who wants to check one.

Exit codes: 0 a range was printed, 1 the law refuses (a fine outside it, a norm not in force), 2 the facts are
malformed or unreadable.
"""

from typing import Annotated

import typer

from base.canonical import canonical
from base.errors import DomainError, Refusal
from cases.penalties import fine_range, read_offence
from cli.price import MALFORMED, REFUSED, read_facts
from pricing.facts import parse_facts


def fine(
    facts: Annotated[str, typer.Option("--facts", help="A JSON file of facts, or - for standard input")],
) -> None:
    """Print from what to what a fine may be for the given facts, with its reasons; the human decides.

    The keys stand in docs/cases.md.
    """
    try:
        offence, exact = read_offence(parse_facts(read_facts(facts)))
        found = fine_range(offence)
        fine_minor = None if exact is None else found.whole(exact)
        if fine_minor is not None:
            found.check(fine_minor)
    except DomainError as error:
        facts_of_it = "".join(f"; {name}: {value}" for name, value in error.facts.items())
        typer.echo(f"{error.code}: {error.detail}{facts_of_it}", err=True)
        raise typer.Exit(REFUSED if isinstance(error, Refusal) else MALFORMED) from None
    shown = found.document() | ({} if fine_minor is None else {"fine_minor": str(fine_minor)})
    typer.echo(canonical(shown).decode())
