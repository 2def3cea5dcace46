"""`databourse credential`: is this broker certified, may this user rely on that certificate? Offline.

`verify` takes a broker's credential (`docs/credentials.md`), `accept` an asset certificate's presentation
(`docs/asset-certificates.md`).

The exit code is the verdict's: 0 when everything holds, 3 when nothing is wrong but something was not looked
at, 10 to 44 for what is wrong, 2 for a command not understood.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from base.clock import SHANGHAI, parse_rfc3339
from base.credential.checking import Finding, Pin, pins_of
from base.credential.multikey import public_of
from base.credential.reading import MAX_DOCUMENT_BYTES
from base.errors import Malformed
from brokers.credential.verifying import verify as look_at
from registry.vouchers.verifying import Asked, ProviderPin
from registry.vouchers.verifying import pins_of as providers_of
from registry.vouchers.verifying import verify as look_at_presentation

app = typer.Typer(add_completion=False, no_args_is_help=True)
_TIMEOUT_S: Final = 10.0
_OK: Final = 200


@app.callback()
def credential() -> None:
    """Check a broker's credential or an asset certificate against its status list."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The credential, as the broker or its QR code gave it")],
    *,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|URL", help="The status list: a file, or the address to fetch it from"),
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(metavar="DID", help="An issuer's did:key that you know from elsewhere")
    ] = None,
    well_known: Annotated[
        Path | None, typer.Option(help="A saved /.well-known/databourse: its issuers are the ones you know")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge as of this moment (RFC 3339) instead of now")
    ] = None,
    max_age: Annotated[
        int | None, typer.Option(metavar="SECONDS", min=0, help="Take no status list older than this")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON")] = False,
) -> None:
    """Check a credential: its proof, its issuer, its validity, and its two bits in the status list."""
    pins = _pins(issuer, well_known)
    finding = look_at(
        _read(file),
        [_status(one) for one in status or ()],
        pins,
        at=_moment(at),
        max_age=None if max_age is None else timedelta(seconds=max_age),
    )
    if as_json:
        typer.echo(orjson.dumps(finding.document(), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(_told(finding))
    raise typer.Exit(finding.exit_code)


@app.command()
def accept(
    file: Annotated[Path, typer.Argument(help="The presentation, as the subject gave it")],
    *,
    user: Annotated[str, typer.Option(metavar="ORG", help="For whom it must have been made: your own id")],
    purpose: Annotated[str, typer.Option(metavar="CODE", help="What you will use it for")],
    reference: Annotated[str | None, typer.Option(help="The very case that it is for")] = None,
    challenge: Annotated[str | None, typer.Option(metavar="HEX", help="What it has to answer")] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|URL", help="The status list: a file, or the address to fetch it from"),
    ] = None,
    issuers: Annotated[
        Path | None, typer.Option(help="A saved /api/v1/voucher-issuers: the keys of providers")
    ] = None,
    issuer: Annotated[
        list[str] | None,
        typer.Option(metavar="DID", help="A provider's did:key that you know from elsewhere"),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge as of this moment (RFC 3339) instead of now")
    ] = None,
    max_age: Annotated[
        int | None, typer.Option(metavar="SECONDS", min=0, help="Take no status list older than this")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON")] = False,
) -> None:
    """Check the presentation of an asset certificate: proofs, provider, user, purpose, validity, status."""
    finding = look_at_presentation(
        _read(file),
        [_status(one) for one in status or ()],
        _providers(issuer, issuers),
        Asked(user, purpose, reference, challenge),
        at=_moment(at),
        max_age=None if max_age is None else timedelta(seconds=max_age),
    )
    if as_json:
        typer.echo(orjson.dumps(finding.document(), option=orjson.OPT_INDENT_2).decode())
    else:
        lines = [f"{finding.verdict.value}: {finding.detail}", *_certified(finding)]
        lines += [f"  {note}" for note in finding.notes]
        typer.echo("\n".join(_plain(line) for line in lines))
    raise typer.Exit(finding.exit_code)


def _providers(dids: list[str] | None, issuers: Path | None) -> list[ProviderPin] | None:
    """The providers' keys that the verifier knows; None for none."""
    if not dids and issuers is None:
        return None
    try:
        for did in dids or ():
            public_of(did)
        known = [] if issuers is None else providers_of(_read(issuers))
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--issuer, --issuers") from None
    return [*(ProviderPin(did) for did in dids or ()), *known]


def _certified(finding: Finding) -> list[str]:
    """Of whom an asset certificate speaks, by whom, for what."""
    said = finding.subject
    if not said:
        return []
    of, provider = said.get("of"), said.get("provider")
    names = [one if type(one) is dict else {} for one in (of, provider)]
    subject = names[0].get("name") or names[0].get("pseudonym") or "-"
    return [
        f"  subject        {subject}",
        f"  provider       {names[1].get('name', '-')}",
        f"  purpose        {said.get('purpose', '-')}, {said.get('reference', '-')}",
        f"  valid until    {_day(finding.valid_until)}, status as of {finding.status_as_of or '-'}",
    ]


def _pins(dids: list[str] | None, well_known: Path | None) -> list[Pin] | None:
    """Whom the verifier knows; None for nobody."""
    if not dids and well_known is None:
        return None
    try:
        for did in dids or ():
            public_of(did)
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--issuer") from None
    try:
        known = [] if well_known is None else pins_of(_read(well_known))
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--well-known") from None
    return [*(Pin(did) for did in dids or ()), *known]


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("a moment with its offset: 2026-11-23T09:00:00+08:00") from None


def _read(path: Path) -> bytes:
    """No more of a file than tells that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None


def _status(place: str) -> bytes:
    if not place.startswith(("https://", "http://")):
        return _read(Path(place))
    import httpx  # noqa: PLC0415 - nothing else here needs the network

    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False) as http,
            http.stream("GET", place, headers={"accept": "application/vc"}) as answer,
        ):
            if answer.status_code != _OK:
                raise typer.BadParameter(f"{place} answers {answer.status_code}", param_hint="--status")
            got = bytearray()
            for piece in answer.iter_bytes():
                got += piece
                if len(got) > MAX_DOCUMENT_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise typer.BadParameter(f"{place}: {error}", param_hint="--status") from None
    return bytes(got)


def _told(finding: Finding) -> str:
    """The finding for a person: the verdict first."""
    lines = [f"{finding.verdict.value}: {finding.detail}", *_subject(finding)]
    if finding.status_as_of is not None:
        lines.append(f"  status as of   {finding.status_as_of}")
    return "\n".join(_plain(line) for line in [*lines, *(f"  note: {note}" for note in finding.notes)])


def _subject(finding: Finding) -> list[str]:
    """Whom the credential certifies, and for what."""
    said = finding.subject
    if not said:
        return []
    name, uscc, number, kind, grade, level, abroad = (
        str(said.get(word, "-"))
        for word in ("name", "uscc", "certificateNumber", "brokerType", "grade", "maxLevel", "crossBorder")
    )
    sectors = ", ".join(map(str, _list(said.get("sectors"))))
    people = [str(one.get("name", "-")) for one in _list(said.get("practitioners")) if type(one) is dict]
    lines = [
        f"  broker         {name} ({uscc})",
        f"  certificate    {number}, type {kind}, grade {grade}, until {_day(finding.valid_until)}",
        f"  may handle     {sectors}, up to {level}, cross-border: {abroad.lower()}",
    ]
    return [*lines, f"  practitioners  {', '.join(people)}"] if people else lines


def _plain(text: str) -> str:
    """A stranger's words as text: nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _day(moment: str | None) -> str:
    return "-" if moment is None else f"{parse_rfc3339(moment).astimezone(SHANGHAI):%Y-%m-%d}"
