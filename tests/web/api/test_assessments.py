"""Assessments, assessors and confidences over HTTP and on pages, and what the audit says of them."""

from typing import Any

import orjson
import typer
from typer.testing import CliRunner

from cli.accesses import accesses
from cli.exporting import export_bundle
from ledger.bundle import Edition
from registry.assessments.rules import CONTENTS, AssessmentKind
from supervision.audit import audit
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure

FIT = {"trades": ["SECURITY_REVIEW"], "staff": 6, "years": 3, "certificate_sha256": "9" * 64}
PATHS = ("", "/duties", "/assessments", "/assessments/new", "/confidential")


async def pages_are_whole(browser: Browser, *paths: str) -> None:
    for path in paths:
        page = await browser.get(f"/security{path}")
        assert structure(page, browser.lang) == [], path


async def the_ledger_agrees(room: Room, log: dict[str, Any]) -> None:
    """The audit is clean, the log whole beside the bundle, and one access less is named."""
    bundle, kept = room.folder / "bundle", room.folder / "log.json"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean
    command = typer.Typer()
    command.command()(accesses)
    kept.write_bytes(orjson.dumps(log))
    whole = CliRunner().invoke(command, [str(kept), str(bundle)])
    said = f"{log['item_id']}: 1 accesses, none missing, none false\n"
    assert (whole.exit_code, whole.stdout) == (0, said)
    kept.write_bytes(orjson.dumps({**log, "accesses": [], "head": log["sha256"]}))
    short = CliRunner().invoke(command, [str(kept), str(bundle)])
    assert (short.exit_code, short.stdout) == (1, "access 1 is not in the log\n")


async def registered_as_assessor(room: Room, assessor: Desk) -> None:
    """Applied for, entered, and everybody's to see."""
    row = await assessor.act("/assessors", FIT)
    assert (await room.http.get("/api/v1/assessors")).json() == []
    desk = Browser(room.served, room.market.people["authority"])
    await room.served.prove(room.market.people["authority"])
    page = await desk.get("/security/assessors")
    await desk.send(page, f"/en/security/assessors/{row['assessor_id']}/register")
    (listed,) = (await room.http.get("/api/v1/assessors")).json()
    assert (listed["org_id"], listed["trades"]) == (assessor.org_id, ["SECURITY_REVIEW"])


async def test_from_the_draft_to_the_log_and_nothing_is_seen_that_was_not_asked_for(room: Room) -> None:
    served = room.served
    provider, buyer, operator = [await room.desk(name) for name in ("provider", "buyer", "operator")]
    product_id = (await operator.get(f"/listings/{room.ids['listed']}"))["product_id"]
    assessor_persona = await served.admit("南方数安评估", {"THIRD_PARTY"}, login="assessor")
    assessor = await Desk(room.http, "assessor", assessor_persona.org_id).sign_in()
    colleague = await served.colleague(room.market.people["provider"], "compliance")
    reviewer = await Desk(room.http, "compliance", colleague.org_id, colleague.key).sign_in()

    await registered_as_assessor(room, assessor)

    # An impact assessment, which its writer does not review.
    said = dict.fromkeys(CONTENTS[AssessmentKind.PIPIA], "写明")
    about = {"object_id": product_id, "kind": "PIPIA", "uses": ["LISTING"], "contents": said}
    about["purposes"] = ["RISK_CONTROL"]
    made = await provider.act("/assessments", about)
    path = f"/assessments/{made['assessment_id']}"
    problem(await buyer.call("GET", path), 404, "security-record-unknown")
    await provider.act(f"{path}/submit", {"reviewer_id": provider.org_id})
    passed = {"outcome": "PASS", "opinion": "可以"}
    async with only_refused(room.database, "reviewer-unfit"):
        answer = await provider.call("POST", f"{path}/conclude", passed)
        while answer.status_code == 202:
            answer = await provider.submit(answer.content)
    problem(answer, 409, "reviewer-unfit")
    done = await reviewer.act(f"{path}/conclude", passed)
    assert (done["status"], done["keep_until"] > "2029") == ("STANDING", True)

    # A confidential file: read for a purpose, refused to who was not admitted, and its log.
    file = await provider.upload(b"price,100\n")
    item = await provider.act(
        "/confidential",
        {
            "secrecy": "TRADE_SECRET",
            "title": "报价底稿",
            "until": "2027-11-16T00:00:00Z",
            "file_id": file["file_id"],
            "readers": [assessor_persona.org_id],
        },
    )
    secret = f"/confidential/{item['item_id']}"
    problem(await buyer.call("GET", secret), 404, "security-record-unknown")
    async with only_refused(room.database, "confidentiality-refused"):
        answer = await buyer.call("POST", f"{secret}/accesses", {"purpose": "看看"})
    problem(answer, 403, "confidentiality-refused")
    access = await assessor.act(f"{secret}/accesses", {"purpose": "核对报价"})
    content = await assessor.call("GET", f"{secret}/accesses/{access['no']}/content")
    assert content.content == b"price,100\n"
    await assessor.act("/customs-endpoint", {"region": "HK"})  # what is shown here is no way round customs
    async with only_refused(room.database, "customs-route-not-open"):
        answer = await assessor.call("GET", f"{secret}/accesses/{access['no']}/content")
    problem(answer, 409, "customs-route-not-open")
    await assessor.act("/customs-endpoint", {"region": "440100"})
    content = await assessor.call("GET", f"{secret}/accesses/{access['no']}/content")
    assert content.content == b"price,100\n"
    async with only_refused(room.database, "confidentiality-refused"):
        answer = await operator.call("GET", f"{secret}/accesses/{access['no']}/content")
    problem(answer, 403, "confidentiality-refused")
    problem(await buyer.call("GET", f"{secret}/log"), 404, "security-record-unknown")
    log = await provider.get(f"{secret}/log")

    # Pages, for each of them.
    await pages_are_whole(Browser(served), "/assessors")
    await pages_are_whole(Browser(served, room.market.people["provider"], "zh"), *PATHS, path, secret)
    await pages_are_whole(Browser(served, assessor_persona), "", "/assessors", secret)
    await pages_are_whole(
        Browser(served, room.market.people["authority"]), "", "/duties", "/risks", "/rounds"
    )

    await the_ledger_agrees(room, log)
