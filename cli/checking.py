"""How a delivered copy is checked against a quality contract, and how that is stated at an exchange."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson
import typer

from base.canonical import canonical
from base.errors import DomainError, Malformed
from base.signing import sign_envelope
from cli.keys import is_sealed, read_key_file
from cli.prepared import PreparedMismatch, describe, examine, plain, refuse_late
from ledger.statement import PAYLOAD_TYPE
from market.delivery.acceptance import DeliveredCopy, Item, Promise, Quality, Verdict, judge_copy
from market.listings.categories import ProductType
from registry.errors import FileEmpty, FileEncodingBroken, FileNotTabular
from registry.measure import measure_file
from registry.odcs import MAX_BYTES, Promised, agrees, promised_from
from registry.report import Report

TIMEOUT_S: Final = 60.0
_DONE: Final = 201
_PREPARED: Final = 202
_SHOWN: Final = 60
_FILE_ITEMS: Final = frozenset({"file_sha256", "bytes"})


class ContractChanged(DomainError):
    """The contract says something else than the report that the sale rests on."""

    code = "contract-changed"
    title = "This contract is not the one of the listing"


class ExchangeRefused(DomainError):
    """What the exchange answered; its own code stands in the text."""

    code = "exchange-refused"
    title = "The exchange did not take it"


@dataclass(frozen=True, slots=True)
class Sold:
    """The file of a trade: of a marked copy its own digest and length."""

    file_sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A copy as it was measured, item by item. `own` says that a digest of its own is no difference."""

    copy: DeliveredCopy
    items: tuple[Item, ...]
    own: bool

    @property
    def passed(self) -> bool:
        """Nothing that was promised is missing."""
        return all(item.verdict is not Verdict.FAIL for item in self.items)

    def lines(self) -> Iterator[str]:
        """Each promise and what was found, for people."""
        for item in self.items:
            found = "–" if item.found is None else _short(item.found)
            line = f"{item.verdict.value:<5} {item.name:<14} promised {_short(item.promised)}, found {found}"
            yield line if item.found != item.promised else f"{item.verdict.value:<5} {item.name:<14} {found}"
        if self.own:
            yield "(copies of this listing may be marked: digest and length of yours are known to its trade)"
        yield "every promise is kept" if self.passed else "NOT what was promised"

    def facts(self) -> dict[str, Any]:
        """What the exchange is told."""
        copy, measured = self.copy, None
        if copy.quality is not None:
            measured = {
                "method": copy.quality.method,
                "columns": [{"name": name, "type": kind} for name, kind in copy.quality.schema],
                "rows": copy.quality.rows,
                "dimensions": dict(copy.quality.dimensions),
            }
        told = {
            "file_sha256": copy.file_sha256,
            "bytes": copy.bytes,
            "measured": measured,
            "refused": copy.refused,
        }
        return {"delivered": told}


def _short(value: Any) -> str:
    text = plain(str(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def read_contract(path: Path) -> Promised:
    """What a contract file promises. Raises ContractBroken, Malformed for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return promised_from(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from None


async def check_file(
    path: Path, promised: Promised, *, sold: Sold | None = None, timeout_s: float = 600
) -> Checked:
    """Measure a copy by a contract and judge it; `sold` is the trade's file, where there is a trade.

    Raises Malformed for a file that cannot be read, FileNotMeasurable and MeasureTimeout where it could not
    be found out, and ContractChanged where the very file that was listed gives another report.
    """
    try:
        sha256, size = await asyncio.to_thread(_digest, path)
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror}") from None
    quality, refused = None, None
    try:
        report = await measure_file(path, promised.declared, as_of=promised.as_of, timeout_s=timeout_s)
        quality = Quality.of(report)
        if sha256 == promised.file_sha256 and not agrees(promised, report):
            raise ContractChanged("the listed file itself gives another report than this contract says")
    except (FileEncodingBroken, FileEmpty, FileNotTabular) as why:
        refused = why.code
    copy = DeliveredCopy(sha256, size, quality, refused)
    own = sold is None and bool(promised.marking) and sha256 != promised.file_sha256
    return Checked(copy, tuple(_judged(promised, sold, copy, own=own)), own)


def _judged(promised: Promised, sold: Sold | None, copy: DeliveredCopy, *, own: bool) -> Iterator[Item]:
    file = sold or Sold(promised.file_sha256, promised.bytes)
    quality = Quality(promised.method, promised.schema, promised.rows, promised.dimensions)
    promise = Promise(ProductType.DATASET, file.file_sha256, file.bytes, quality=quality)
    for item in judge_copy(promise, copy):
        if own and item.name in _FILE_ITEMS:
            yield Item(item.name, item.promised, item.found, Verdict.OPEN)
        else:
            yield item


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


class Stating:
    """One trade at its exchange, as its buyer."""

    def __init__(self, url: str, token: str, trade_id: str, *, http: httpx.Client | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = http or httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S)
        self._http.headers.update(headers)
        self._trade_id = trade_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def sold(self, promised: Promised) -> Sold:
        """The file that the trade delivers. Raises ContractChanged where the contract is not this trade's.

        The trade's own contract, which its parties signed, names the quality report by its digest: what the
        quality contract says has to be what that report says.
        """
        agreed = self._get(f"/trades/{self._trade_id}/contract")["document"]["subject_matter"]
        if agreed["listing_id"] != promised.listing_id:
            raise ContractChanged("the contract is of another listing than the trade's")
        if agreed["quality_report_sha256"] != promised.report_sha256:
            raise ContractChanged("the signed contract names another quality report")
        told = self._get(f"/listings/{promised.listing_id}/quality?report={promised.report_sha256}")
        report = Report(canonical(told["report"]))
        if not agrees(promised, report):
            raise ContractChanged("the contract says something else than the quality report it names")
        rights = [one for one in self._get("/entitlements") if one["trade_id"] == self._trade_id]
        if not rights:
            raise ExchangeRefused("nothing is delivered in this trade to you")
        return Sold(rights[0]["sha256"], rights[0]["bytes"])

    def state(self, facts: dict[str, Any]) -> httpx.Response:
        """Make the statement: done where the key is in custody, else prepared."""
        return self._post(f"/trades/{self._trade_id}/checks", facts)

    def submit(self, prepared: bytes, key: Path) -> httpx.Response:
        """Examine, sign and hand in what was prepared. Raises what examining it raises."""
        act = examine(prepared)
        refuse_late(act, datetime.now(UTC))
        for line in describe(act):
            typer.echo(line)
        phrase = str(typer.prompt("Passphrase", hide_input=True)) if is_sealed(key) else None
        own = read_key_file(key, passphrase=phrase)
        if act.signers and own.keyid not in act.signers:
            raise PreparedMismatch(f"this act is not to be signed with key {own.keyid}")
        envelope = sign_envelope(PAYLOAD_TYPE, act.payload, own)
        return self._post(f"/prepared/{act.prepared_id}/submit", envelope.document())

    def status(self) -> str:
        """Where the trade stands now."""
        return str(self._get(f"/trades/{self._trade_id}")["status"])

    def _get(self, path: str) -> Any:
        return self._answered("GET", path).json()

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"idempotency-key": secrets.token_hex(16), "content-type": "application/json"}
        return self._answered("POST", path, content=orjson.dumps(body), headers=headers)

    def _answered(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, f"/api/v1{path}", **request)
        except httpx.HTTPError as error:
            raise ExchangeRefused(f"the exchange cannot be reached: {type(error).__name__}") from None
        if not answer.is_success:
            raise ExchangeRefused(_why(answer))
        return answer


def _why(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        return plain(f"{problem['code']}: {problem.get('detail') or problem['title']}")
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"


def stated(stating: Stating, found: Checked, key: Path | None) -> Iterator[str]:
    """State what was found, and say what became of it."""
    answer = stating.state(found.facts())
    if answer.status_code == _PREPARED:
        if key is None:
            raise ExchangeRefused("you hold your key yourself: sign with --sign KEYFILE")
        answer = stating.submit(answer.content, key)
    told = answer.json()
    yield plain(f"stated  {told['check_id']}, report {told['report_sha256']}")
    yield plain(f"trade   {stating.status()}")
