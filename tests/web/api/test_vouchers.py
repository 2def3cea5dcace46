"""Public-data asset certificates over HTTP: SC-2 end to end, and what is refused on the way."""

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from base.credential.checking import Finding
from base.credential.verdicts import Verdict
from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from registry.vouchers.verifying import Asked, pins_of, verify
from supervision.audit import audit
from supervision.context import Context
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules.purpose_mismatch import RULE
from supervision.runner import carry_out
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.nodes import Served
from tests.web.vouchers import GOODS, HIGH, LOW, PURPOSE, READINGS, REFERENCE, Loan, lending, use

_TOLD = "|".join(str(number) for number in (*READINGS, LOW, HIGH))
# As a number, and not by chance inside of a digest or an id.
_A_NUMBER = re.compile(rf"(?<![0-9A-Za-z])({_TOLD})(?![0-9A-Za-z])".encode())


@pytest.fixture
async def loan(served: Served) -> AsyncIterator[Loan]:
    async with served.client() as http:
        yield await lending(served, http)


async def offline(loan: Loan, shown: str, user_id: str, *, purpose: str = PURPOSE) -> Finding:
    """What a bank finds with three files and no line."""
    issuers = (await loan.bank.http.get("/api/v1/voucher-issuers")).content
    (key,) = orjson.loads(issuers)["issuers"]
    listed = (await loan.bank.http.get(f"/vouchers/status/{key['number']}")).content
    now = loan.served.clock.now()
    return verify(shown.encode(), [listed], pins_of(issuers), Asked(user_id, purpose, REFERENCE), at=now)


async def test_sc2_one_use_is_counted_and_three_are_refused_and_no_reading_is_on_the_ledger(
    loan: Loan, tmp_path: Path
) -> None:
    path = await loan.requested()
    (waiting,) = await loan.factory.get("/vouchers?status=REQUESTED")
    assert (waiting["purpose"], waiting["reference"], waiting["max_uses"]) == (PURPOSE, REFERENCE, 3)
    given = await loan.factory.act(f"{path}/authorise", {})
    assert (given["status"], given["valid_days"]) == ("AUTHORISED", 90)
    made = await loan.grid.act(f"{path}/generate", GOODS)
    assert (made["status"], made["level"], made["quality_tenths"]) == ("GENERATED", "general-3", 976)
    await loan.factory.act(f"{path}/store", {})
    await loan.factory.act(f"{path}/present", {})
    shown = await loan.presentation(path)
    found = await offline(loan, shown, loan.bank.org_id)
    assert (found.verdict, found.notes[1]) == (
        Verdict.VALID,
        f"MONTHLY_USE, 2024-08 to 2026-07: high {HIGH}, low {LOW}",
    )

    await only_whom_it_concerns(loan, path)
    await only_at_home(loan, path)
    counted = await loan.bank.act(f"{path}/verify", use(shown))
    assert counted["number"] == 1
    async with only_refused(loan.served.node.database, "voucher-purpose-mismatch"):
        marketing = await loan.bank.call("POST", f"{path}/verify", use(shown, purpose="MARKETING"))
    problem(marketing, 409, "voucher-purpose-mismatch")
    withdrawn = {"cause": "WITHDRAWN", "reason": "贷款已结清"}
    assert (await loan.factory.act(f"{path}/revoke", withdrawn))["status"] == "REVOKED"
    again = await loan.bank.call("POST", f"{path}/verify", use(shown))
    problem(again, 409, "voucher-authorisation-withdrawn")
    leaked = await loan.other.call("POST", f"{path}/verify", use(shown))
    problem(leaked, 403, "voucher-user-mismatch")
    assert (await offline(loan, shown, loan.other.org_id)).verdict is Verdict.USER_OTHER
    assert (await offline(loan, shown, loan.bank.org_id)).verdict is Verdict.REVOKED

    seen = await loan.factory.get(path)
    assert [(one["number"], one["user_id"]) for one in seen["uses"]] == [(1, loan.bank.org_id)]
    assert [(one["org_id"], one["code"]) for one in seen["refused"]] == [
        (loan.bank.org_id, "voucher-purpose-mismatch"),
        (loan.bank.org_id, "voucher-authorisation-withdrawn"),
        (loan.other.org_id, "voucher-user-mismatch"),
    ]
    await on_the_ledger(loan, path, tmp_path)


async def only_whom_it_concerns(loan: Loan, path: str) -> None:
    """The whole document is the subject's, what was shown its user's; to others there is no such thing."""
    whole = await loan.factory.get(f"{path}/document")
    assert {one["item"] for one in whole["disclosures"]} == {one["item"] for one in GOODS["items"]}
    for who, place in (
        (loan.other, path),
        (loan.other, f"{path}/presentation"),
        (loan.grid, f"{path}/presentation"),
        (loan.bank, f"{path}/document"),
        (loan.grid, f"{path}/document"),
    ):
        problem(await who.call("GET", place), 404, "not-found")
    assert (await loan.other.get("/vouchers")) == []
    two = loan.asked() | {"second_subject_id": loan.other.org_id}
    async with nothing_stored(loan.served.node.database):
        for body in (two, loan.asked(period_from="2024-13"), loan.asked(subject_id="123")):
            problem(await loan.bank.call("POST", "/vouchers", body), 422, "malformed")
        unread = await loan.bank.call("POST", f"{path}/verify", use("x" * 70_000))
        problem(unread, 422, "malformed")


async def only_at_home(loan: Loan, path: str) -> None:
    """A certificate is no way round customs: who receives abroad reads nothing of it."""
    for who, place in ((loan.bank, f"{path}/presentation"), (loan.factory, f"{path}/document")):
        await who.act("/customs-endpoint", {"region": "HK"})
        async with only_refused(loan.served.node.database, "customs-route-not-open"):
            answer = await who.call("GET", place)
        problem(answer, 409, "customs-route-not-open")
        await who.act("/customs-endpoint", {"region": "440600"})
        assert (await who.call("GET", place)).status_code == 200


async def on_the_ledger(loan: Loan, path: str, folder: Path) -> None:
    """The regulator's bundle: clean, one finding, no reading and no range in any entry or opening."""
    served, voucher_id = loan.served, path.rpartition("/")[2]
    await served.settle_down()
    await export_bundle(served.node, folder / "bundle", Edition.REGULATOR)
    assert audit(folder / "bundle", [served.node.publisher.signer.vkey]).clean
    with Bundle(folder / "bundle") as bundle:
        records = list(bundle.records())
    for record in records:
        payload = base64.b64decode(orjson.loads(record.entry)["envelope"]["payload"])
        words = payload + (record.opening or b"")
        assert _A_NUMBER.search(words) is None
    derive(opened_entries(records), folder / "evidence")
    context = Context(as_of=served.clock.now(), rules=in_force(served.clock.now()))
    (finding,) = carry_out(make_plan(context, (RULE,)), folder / "evidence").findings
    assert (finding.subjects, finding.objects) == ((loan.bank.org_id,), (voucher_id,))
    assert finding.statistic == {"attempts": 1, "authorised": PURPOSE, "asked": ["MARKETING"]}
