"""What every command that runs on a node has in common: settings, one run, and errors that people can use.

Exit code 2 says that it could not begin: nothing was changed.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final, TypeVar

import structlog
import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from uvicorn.loops.auto import auto_loop_factory

from base.db import Database
from base.errors import DomainError
from base.settings import SecretUnsafe, Settings
from migrations.run import current, newest

UNUSABLE: Final = 2
_HINTS: Final = {
    "exchange-not-founded": "found one:  databourse found --name NAME --uscc CODE --login LOGIN",
    "exchange-founded-otherwise": "these are the keys (DATABOURSE_DATA_DIR/keys) of another exchange",
    "schema-outdated": "bring it up to date:  databourse migrate",
    "file-store-unavailable": "DATABOURSE_STORE_… name the bucket, and how it is reached",
    "log-forked": "this database is older than what was published: restore a newer one, or show it with\n"
    "  databourse serve --read-only   (docs/howto/recovery.md says what else there is)",
}
Result = TypeVar("Result")


class SchemaOutdated(DomainError):
    code: ClassVar[str] = "schema-outdated"
    title = "The database does not have the newest schema"


def complete(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a piece of work to its end on the loop that uvicorn chooses: uvloop, where there is one."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(work)


def run(
    work: Callable[[Settings], Coroutine[Any, Any, Result]], *, passing: tuple[type[DomainError], ...] = ()
) -> Result:
    """Run a piece of work with the settings of the environment; what stops it is said in a line or two.

    Errors that the command itself has words for (`passing`) are raised.
    """
    try:
        return complete(work(Settings()))
    except passing:
        raise
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            typer.echo(f"DATABOURSE_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}", err=True)
    except DomainError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        if error.code in _HINTS:
            typer.echo(_HINTS[error.code], err=True)
    except SecretUnsafe as error:
        typer.echo(f"secret-unsafe: {error}", err=True)
    except (DBAPIError, ConnectionError) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        typer.echo(f"database-unavailable: {said}", err=True)
    raise typer.Exit(UNUSABLE)


async def require_schema(settings: Settings) -> None:
    """Raises SchemaOutdated when a step of the schema is missing."""
    database = Database(settings.database_dsn)
    try:
        found = await current(database)
    finally:
        await database.dispose()
    if found != newest():
        raise SchemaOutdated("the database has another schema than this program", found=found or "none")


class _ToStderr:
    """Writes to whatever standard error is at that moment: a stream that was closed is not held."""

    def __init__(self, *_: Any) -> None:
        """Loggers are made by name; all write to the same place."""

    def msg(self, message: str) -> None:
        sys.stderr.write(f"{message}\n")

    log = debug = info = warning = error = critical = exception = msg


def log_plainly() -> None:
    """Log as JSON lines on stderr, and never what a variable held: it may be a secret."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=_ToStderr,
        cache_logger_on_first_use=False,
    )
