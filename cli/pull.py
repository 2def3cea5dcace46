"""`databourse pull ENTITLEMENT`: fetch what was bought, whole and verified, however often the line breaks.

What has come stays in `FILE.part`; the same command goes on there, also after a kill, and begins anew where
the file is another one by now or the partial file was damaged. `--package` fetches the encrypted package and
has its key released, which is the use that is counted; `--ahead` fetches the package alone.

Exit codes: 0 it is there and is what was sold, 1 the exchange refused, 2 it could not begin, 3 the exchange
does not answer (what has come is kept), 4 what has come is not what its digest says.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from base.errors import DomainError, Malformed

if TYPE_CHECKING:
    from cli.pulling import Session, Tell

CODES: Final = {
    "refused": 1,
    "not-reached": 3,
    "digest-differs": 4,
    "package-does-not-open": 4,
}
UNUSABLE: Final = 2
_URL: Final = "http://127.0.0.1:8000"
_TOKEN: Final = "DATABOURSE_TOKEN"  # noqa: S105 - the name of a variable
_PASSWORD: Final = "DATABOURSE_PASSWORD"  # noqa: S105 - the name of a variable
_TIMEOUT_S: Final = 60.0
_PATIENCE_S: Final = 600.0  # the first answer for a package comes when it is made


def pull(
    entitlement: Annotated[str, typer.Argument(help="The right to receive it: `ent_…`")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; the right's name in this folder by default")
    ] = None,
    url: Annotated[str, typer.Option(help="The exchange")] = _URL,
    login: Annotated[
        str | None,
        typer.Option(help=f"Sign in so, with the password in {_PASSWORD} or asked for; else by {_TOKEN}"),
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="For which of the contract's purposes")] = None,
    recipient: Annotated[str | None, typer.Option(help="For whom, where that is not you: `org_…`")] = None,
    package: Annotated[
        bool, typer.Option("--package", help="Fetch the encrypted package, have its key released, open it")
    ] = False,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="Fetch the encrypted package alone: no use is counted")
    ] = False,
    retries: Annotated[int, typer.Option(help="How often in a row the line may break", min=0)] = 8,
) -> None:
    """Fetch a file that was bought: resumable, with a progress bar, verified against its digest."""
    from cli.pulling import Fetching  # noqa: PLC0415 - its HTTP client is loaded by its users

    target = out or Path(entitlement)
    asked = {"purpose": purpose, "recipient": recipient}
    params = {name: value for name, value in asked.items() if value is not None}
    path = f"/api/v1/entitlements/{entitlement}"
    try:
        if target.exists():
            raise Malformed(f"{target} is there already")
        with _session(url, login) as session:

            def fetched(what: str, into: Path) -> str:
                with _progress(into.name) as tell:
                    return Fetching(session, f"{path}/{what}", params, retries, tell, _say).into(into)

            if not (package or ahead):
                typer.echo(f"{target}: sha256 {fetched('file', target)}")
                return
            sealed = target.with_name(target.name + ".package")
            if not sealed.exists():
                fetched("package", sealed)
            if ahead:
                typer.echo(
                    f"{sealed}: the encrypted package; `databourse pull {entitlement} --package` opens it"
                )
                return
            typer.echo(f"{target}: sha256 {_opened(session, path, params, sealed, target)}")
    except DomainError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(CODES.get(error.code, UNUSABLE)) from None
    except OSError as error:
        typer.echo(f"{error.filename or target}: {error.strerror}", err=True)
        raise typer.Exit(UNUSABLE) from None


def _opened(session: "Session", path: str, params: dict[str, str], sealed: Path, target: Path) -> str:
    """Have the key released to an identity of our own, open the package, and remove what is not needed more.

    The identity is kept until the file is there: after a kill the same release is asked for, no other use.
    """
    from cli.packages import identity_in, open_package  # noqa: PLC0415 - as above
    from cli.pulling import NotTheGoods, digest_in  # noqa: PLC0415 - as above

    kept = target.with_name(target.name + ".identity")
    identity = identity_in(kept, make=True)
    released = session.asked(
        "POST",
        f"{path}/package/key",
        json={"age_recipient": identity.recipient} | params,
        headers={"idempotency-key": secrets.token_hex(16)},
    ).json()
    sold = digest_in(session.asked("HEAD", f"{path}/file").headers)
    if sold is None:
        raise NotTheGoods("the exchange does not say what was sold")
    sha256 = open_package(sealed, str(released["header"]).encode(), identity, target, sha256=sold)
    for path_ in (sealed, kept):
        path_.unlink()
    return sha256


@contextmanager
def _session(url: str, login: str | None) -> Iterator["Session"]:
    """Signed in by login and password, or by the token of the environment. Raises what signing in raises."""
    import httpx  # noqa: PLC0415 - loaded by its users

    from cli.pulling import NotReached, Session, refusal_of  # noqa: PLC0415 - as above

    timeout = httpx.Timeout(_TIMEOUT_S, read=_PATIENCE_S)
    with httpx.Client(base_url=url.rstrip("/"), timeout=timeout, trust_env=False) as http:
        if login is None:
            token = os.environ.get(_TOKEN, "")
            if not token:
                raise Malformed(f"name a --login, or an access token in {_TOKEN}")
            yield Session(http, token)
            return
        password = os.environ.get(_PASSWORD) or typer.prompt("Password", hide_input=True, err=True)

        def sign_in() -> str:
            form = {"grant_type": "password", "username": login, "password": password}
            try:
                answer = http.post("/api/v1/token", data=form)
            except httpx.HTTPError as error:
                raise NotReached(f"the exchange cannot be reached: {type(error).__name__}") from None
            if not answer.is_success:
                raise refusal_of(answer)
            return str(answer.json()["access_token"])

        yield Session(http, sign_in(), sign_in)


@contextmanager
def _progress(name: str) -> Iterator["Tell"]:
    """A bar on a terminal's standard error, where somebody looks on."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - for a terminal alone
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _say(text: str) -> None:
    typer.echo(text, err=True)
