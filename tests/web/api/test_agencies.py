"""An agency over HTTP: its chief signs, it is evaluated from records, its duties are on a list (R03-R05)."""

from datetime import timedelta
from typing import Any

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem

DOCUMENT = "d" * 64


async def desk_of(room: Room, login: str) -> Desk:
    return await Desk(room.http, login).sign_in()


async def test_an_agency_from_its_chief_to_its_published_score(room: Room) -> None:
    agency = await room.served.admit("省交通运输厅", {"PUBLIC_AGENCY"}, login="agency-clerk")
    chief = await room.served.colleague(agency, "agency-chief")
    second = await room.served.colleague(room.market.people["authority"], "authority-he")
    clerk, head = await desk_of(room, "agency-clerk"), await desk_of(room, "agency-chief")
    authority, he = await room.desk("authority"), await desk_of(room, second.login)
    today = room.served.clock.now().date()
    said: dict[str, Any] = {"document_sha256": DOCUMENT, "appointed_on": today.isoformat()}
    async with only_refused(room.database, "chief-self-appointed"):
        answer = await head.call("POST", "/chiefs", said | {"user_id": chief.user_id})
    assert problem(answer, 403, "chief-self-appointed")["status"] == 403
    seat = await clerk.act("/chiefs", said | {"user_id": chief.user_id})
    register = (await room.http.get("/api/v1/chiefs", params={"agency_id": agency.org_id})).json()
    assert [(one["chief_id"], one["name"], one["status"]) for one in register] == [
        (seat["chief_id"], "agency-chief", "STANDING")
    ]

    await _duties(room, clerk, agency.org_id)
    year = today.year - 1
    period = {"name": f"{year}", "covers_from": f"{year}-01-01", "covers_to": f"{year}-12-31"}
    opened = await authority.act("/evaluation-periods", period | {"agency_ids": [agency.org_id]})
    (row,) = await clerk.get("/evaluations")
    path = f"/evaluations/{row['evaluation_id']}"
    assert (await room.http.get("/api/v1/evaluations")).json() == []
    assert (await room.http.get(f"/api/v1{path}")).status_code == 404
    report = {"text": "自评", "document_sha256": DOCUMENT}
    async with only_refused(room.database, "chief-data-officer-wanted"):
        answer = await clerk.call("POST", f"{path}/report", report)
    problem(answer, 403, "chief-data-officer-wanted")
    await head.act(f"{path}/report", report)
    scored = await authority.act(f"{path}/score")
    assert (scored["status"], scored["score"], scored["grade"]) == ("SCORED", None, None)  # nothing on record
    inside = await clerk.get(path)
    assert {one["state"] for one in inside["indicators"]} == {"NO_RECORDS", "NOT_KEPT"}
    await head.act(f"{path}/objection", {"text": "有误", "document_sha256": DOCUMENT})
    async with only_refused(room.database, "evaluation-same-officer"):
        answer = await authority.call("POST", f"{path}/answer", {"text": "维持", "upheld": False})
    problem(answer, 403, "evaluation-same-officer")
    await he.act(f"{path}/answer", {"text": "维持", "upheld": False})
    done = await authority.act(f"/evaluation-periods/{opened['period_id']}/publish")
    assert done["published"] == 1
    seen = (await room.http.get(f"/api/v1{path}")).json()
    assert (seen["status"], seen["report"], seen["objection"]) == ("PUBLISHED", None, None)
    again = (await room.http.get(f"/api/v1{path}/recomputed")).json()
    assert again["equal"] is True
    table = await room.http.get("/api/v1/evaluations.csv", params={"period_id": opened["period_id"]})
    assert table.text.splitlines()[0].startswith("agency_id,agency,status,score,grade,LISTS")
    assert "省交通运输厅" in table.text

    await _maturity(room, authority, f"{year}-05-01")
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean


async def _duties(room: Room, clerk: Desk, agency_id: str) -> None:
    lines = await clerk.get(f"/agencies/{agency_id}/duties")
    verdicts = {line["duty"]: line["verdict"] for line in lines}
    assert verdicts["chief"] == "MET"
    assert verdicts["systems"] == verdicts["self_report"] == "MISSING"
    assert verdicts["mounted"] == verdicts["answers"] == "NOT_ASKED"
    assert all(line["legal_basis"] for line in lines)
    stranger = await room.desk("buyer")
    assert (await stranger.call("GET", f"/agencies/{agency_id}/duties")).status_code == 404


async def _maturity(room: Room, authority: Desk, issued_on: str) -> None:
    """DCMM: claimed by the organisation, confirmed by the authority, then for everybody to see."""
    stranger, today = await room.desk("buyer"), room.served.clock.now().date()
    level = {"level": 3, "certificate_sha256": "c" * 64, "issued_on": issued_on}
    level |= {"valid_until": (today + timedelta(days=300)).isoformat()}
    claimed = await stranger.act("/maturity", level)
    assert (await room.http.get("/api/v1/maturity")).json() == []
    async with nothing_stored(room.database):
        wrong = await stranger.call(
            "POST", f"/maturity/{claimed['maturity_id']}/decision", {"event": "CONFIRM"}
        )
    assert wrong.status_code == 403
    await authority.act(f"/maturity/{claimed['maturity_id']}/decision", {"event": "CONFIRM"})
    assert [one["level"] for one in (await room.http.get("/api/v1/maturity")).json()] == [3]
