"""`databourse supervise DIR --out findings.json`: run every rule on a folder of evidence tables.

It needs no network, no database and no secret, and writes the findings and nothing else. Findings are
suspicions (涉嫌); a rule whose tables are not there is off, and the report says so.

Exit codes: 0 run (with or without findings), 2 unusable tables or options.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Final

import typer

from base.clock import rfc3339
from base.errors import DomainError

UNUSABLE: Final = 2
_ENGINES: Final = ("duckdb", "spark")


def supervise(
    folder: Annotated[
        Path, typer.Argument(help="A folder of evidence tables, Parquet or CSV", metavar="DIR")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the findings go")] = Path("findings.json"),
    engine: Annotated[str, typer.Option("--engine", help="duckdb, or spark for a cluster")] = "duckdb",
    master: Annotated[
        str, typer.Option("--master", help="Spark's: local[2], spark://host:7077, yarn, …")
    ] = "local[2]",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Look from this time, ISO 8601 (default: the latest in the tables)"),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="A folder that keeps what the next run need not tell anew"),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", help="Joint dominance: top_k, or any_set for the literal reading")
    ] = "top_k",
) -> None:
    """Run the supervision rules on evidence tables and write the findings."""
    # the engine is loaded by those who use it
    from supervision.context import Mode  # noqa: PLC0415
    from supervision.runner import supervise as run  # noqa: PLC0415

    if engine not in _ENGINES:
        raise stop(f"--engine is {' or '.join(_ENGINES)}, not {engine!r}")
    if mode not in tuple(Mode):
        raise stop(f"--mode is top_k or any_set, not {mode!r}")
    try:
        result = run(
            folder, as_of=moment_of(as_of), mode=Mode(mode), opening=_opening(engine, master), state=state
        )
        write_whole(out, result.encoded())
    except DomainError as error:
        raise stop(f"{error.title}: {error.detail}") from None
    except OSError as error:
        raise stop(f"cannot read or write: {error}") from None
    typer.echo(f"as of {rfc3339(result.as_of)}")
    for line in _left_out(result.tables, result.ignored_files):
        typer.echo(line)
    for rule in result.rules_run:
        note = f"   (without {', '.join(rule['without'])})" if rule["without"] else ""
        typer.echo(f"{rule['rule_id'] + '@' + rule['rule_version']:<12}{rule['findings']:>6} findings{note}")
    if result.looked_at:
        typer.echo(_spared(result.looked_at))
    for off in result.rules_off:
        typer.echo(f"{off['rule_id']:<12}   off: {off['reason']}")
    typer.echo(f"{len(result.findings)} findings (suspected, not decided) in {out}")


def _spared(looked_at: Mapping[str, int | None]) -> str:
    """What a state spared, in a line."""
    trades = [count for count in looked_at.values() if count]
    taken, anew = [list(looked_at.values()).count(how) for how in (0, None)]
    few = (
        f"{len(trades)} rules looked at {max(trades)} trades at most" if trades else "no rule at some trades"
    )
    return f"state: {taken} rules taken over, {few}, {anew} told in full"


def _left_out(tables: Mapping[str, Mapping[str, Any]], ignored: Sequence[str]) -> Iterator[str]:
    """What of the tables could not be used, a line each."""
    for name, told in tables.items():
        for column, count in told.get("left_out", {}).items():
            yield f"{name}: {count} rows left out, without {column}"
        for column, count in told.get("read_otherwise", {}).items():
            yield f"{name}: {count} values of {column} that cannot be, read otherwise"
        if told.get("ignored_columns"):
            yield f"{name}: ignored columns: {', '.join(map(repr, told['ignored_columns']))}"
    if ignored:
        yield f"ignored files: {', '.join(map(repr, ignored))}"


def _opening(engine: str, master: str) -> Any:
    if engine == "spark":
        from supervision.spark import open_spark  # noqa: PLC0415 - whose extra need not be there

        return open_spark(master)
    from supervision.duckdb import open_duckdb  # noqa: PLC0415

    return open_duckdb


def moment_of(text: str | None) -> datetime | None:
    """The time of an option, if one was given. Raises Exit."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise stop(f"--as-of is a time as 2026-11-23T01:00:00Z, not {text!r}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def write_whole(out: Path, content: bytes) -> None:
    """All of it or nothing: a half-written file is never found under the name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}-", delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    os.replace(file.name, out)  # noqa: PTH105 - atomic, and the same on every system


def stop(message: str) -> typer.Exit:
    """Say why nothing was done, for `raise`."""
    typer.echo(message, err=True)
    return typer.Exit(UNUSABLE)
