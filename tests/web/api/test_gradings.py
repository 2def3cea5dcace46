"""Levels over HTTP: declared, decided by another, the catalogue that stops an offer, who sees what."""

from typing import Any

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.houses import some_id_number
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.api.test_lists import DATA, agencies, bring
from tests.web.api.test_registrations import offered, status_of

SAID: dict[str, Any] = {
    "level": "general-2",
    "sector": "D44",
    "data_class": "production",
    "grounds": [{"harmed": "organisation", "degree": "general", "why": "企业用电情况可被推知"}],
}
INQUIRY = {"purpose": "p", "scenario": "s", "quantity": 1}


async def department(room: Room) -> tuple[Desk, Desk, str]:
    """An agency's clerk, its chief data officer, and its id."""
    agency = await room.served.admit("省能源局", {"PUBLIC_AGENCY"}, login="energy")
    clerk = await Desk(room.http, "energy").sign_in()
    chief = await room.served.colleague(agency, "energy-chief")
    said = {"document_sha256": "d" * 64, "appointed_on": "2026-11-16", "user_id": chief.user_id}
    await clerk.act("/chiefs", said)
    return clerk, await Desk(room.http, "energy-chief").sign_in(), agency.org_id


async def notified(room: Room, product_id: str) -> str:
    """An entry of the catalogue that names a product, confirmed by the data authority."""
    clerk, chief, _ = await department(room)
    content = {"region": "440000", "sector": "D44", "name": "电网调度数据", "description": "调度运行"}
    row = await clerk.act("/important-data", content | {"objects": [product_id]})
    path = f"/important-data/{row['entry_id']}"
    async with only_refused(room.database, "chief-data-officer-wanted"):
        answer = await clerk.call("POST", f"{path}/report")
    problem(answer, 403, "chief-data-officer-wanted")
    await chief.act(f"{path}/report")
    authority = await room.desk("authority")
    assert (await authority.act(f"{path}/confirm"))["status"] == "CONFIRMED"
    await chief.act(f"{path}/requests", {})  # its removal is asked for, and not entered yet
    return path


async def test_an_entry_that_is_notified_stops_an_offer_and_its_removal_frees_it(room: Room) -> None:
    listing_id = await offered(room, "SJ3112026090001")
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    product_id = (await operator.get(f"/listings/{listing_id}"))["product_id"]
    path = await notified(room, product_id)
    async with only_refused(room.database, "important-data"):  # before any job has run
        answer = await buyer.call("POST", f"/listings/{listing_id}/inquiries", INQUIRY)
    problem(answer, 409, "important-data")
    await room.served.node.run_jobs()
    assert await status_of(room, listing_id) == "SUSPENDED"
    seen = await operator.get(f"/grading/objects/{product_id}")
    assert (seen["level"], seen["matched"], seen["declared"]) == ("important", "important", "general-2")
    (match,) = seen["matches"]  # that it is stopped and by what kind of match, not what the catalogue says
    hidden = (match["entry_id"], match["grounds"], match["reason"])
    assert (match["how"], hidden) == ("IDENTITY", (None, [], None))
    authority = await room.desk("authority")
    (match,) = (await authority.get(f"/grading/objects/{product_id}"))["matches"]
    assert (path.endswith(match["entry_id"]), match["grounds"]) == (True, [f"object {product_id}"])
    owed = {
        one["control"]: one["present"] for one in await operator.get(f"/grading/objects/{product_id}/duties")
    }
    assert owed["in-important-data-catalogue"] is True
    assert owed["level-confirmed-by-authority"] is False
    assert (await authority.act(f"{path}/enter"))["status"] == "REMOVED"
    async with only_refused(room.database, "grading-wrong-state"):
        problem(await authority.call("POST", f"{path}/enter"), 409, "grading-wrong-state")
    await room.served.node.run_jobs()
    assert await status_of(room, listing_id) == "SUSPENDED"
    await operator.act(f"/listings/{listing_id}/resume", {"reason_code": "CAUSE_CLEARED"})
    await buyer.act(f"/listings/{listing_id}/inquiries", INQUIRY)
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean


async def test_a_holder_declares_and_another_officer_decides_and_strangers_see_nothing(room: Room) -> None:
    listing_id = await offered(room, "SJ3112026090001")
    provider, operator, stranger = [await room.desk(name) for name in ("provider", "operator", "second")]
    product_id = (await operator.get(f"/listings/{listing_id}"))["product_id"]
    path = f"/grading/objects/{product_id}"
    row = await provider.act(f"{path}/gradings", SAID)
    assert (row["status"], row["computed"]) == ("DECLARED", "general-2")
    grading = f"/gradings/{row['grading_id']}"
    for place in (path, f"{path}/duties"):
        problem(await stranger.call("GET", place), 404, "not-found")
    problem(await stranger.call("GET", grading), 404, "not-found")
    assert await stranger.get("/gradings") == []
    problem(await provider.call("GET", "/important-data"), 403, "forbidden")
    async with only_refused(room.database, "grading-below-grounds"):
        answer = await operator.call("POST", f"{grading}/decide", {"level": "general-1", "opinion": "o"})
    problem(answer, 409, "grading-below-grounds")
    async with nothing_stored(room.database):
        answer = await provider.call("POST", f"{path}/gradings", SAID | {"data_class": "user"})
    problem(answer, 422, "grading-malformed")
    done = await operator.act(f"{grading}/decide", {"level": "general-3", "opinion": "按矩阵"})
    assert (done["status"], done["decided"]) == ("IN_FORCE", "general-3")
    await room.served.node.run_jobs()
    assert await status_of(room, listing_id) == "SUSPENDED"
    rules = (await room.http.get("/api/v1/grading/rules")).json()
    assert rules["harm"]["economy"]["serious"] == "important"
    assert {one["control"] for one in rules["duties"]["core"]} > {"graded", "no-ordinary-trade"}


async def test_records_over_http(room: Room) -> None:
    listing_id = await offered(room, "SJ3112026090001")
    provider = await room.desk("provider")
    product_id = (await provider.get(f"/listings/{listing_id}"))["product_id"]
    consents = {
        "object_id": product_id,
        "wording_sha256": "a" * 64,
        "subjects_root": "b" * 64,
        "subjects": 2,
        "separate": True,
        "purposes": ["RISK_CONTROL"],
        "valid_from": "2026-11-16T00:00:00Z",
        "valid_until": "2027-11-16T00:00:00Z",
    }
    row = await provider.act("/consent-records", consents)
    path = f"/consent-records/{row['consent_id']}"
    left = await provider.act(f"{path}/withdraw", {"count": 2, "pseudonyms_root": "c" * 64})
    assert (left["status"], left["withdrawn"]) == ("WITHDRAWN", 2)
    async with only_refused(room.database, "grading-wrong-state"):
        answer = await provider.call("POST", f"{path}/end", {"reason_code": "ENDED"})
    problem(answer, 409, "grading-wrong-state")
    assert len(await provider.get("/consent-records")) == 1


async def test_a_mounted_file_that_lies_about_its_level_is_scanned(room: Room) -> None:
    police, transport = await agencies(room)
    entry = await police.act("/lists/data", DATA | {"level": "general-1"})
    path = f"/grading/objects/{entry['data_id']}"
    problem(await police.call("POST", f"{path}/scan"), 422, "malformed")  # nothing is mounted
    rows = "".join(f"{n},{some_id_number()}\n" for n in range(30))
    file = (await bring(room, police, "plain.csv", f"序号,编号\n{rows}".encode())).json()
    await police.act(f"/lists/data/{entry['data_id']}/mount", {"file_id": file["file_id"]})
    problem(await transport.call("POST", f"{path}/scan"), 404, "not-found")
    seen = (await police.call("POST", f"{path}/scan")).json()
    assert (seen["level"], seen["scanned"], seen["declared"]) == ("general-4", "general-4", "general-1")
    assert [(one["kind"], one["column"], one["rows"]) for one in seen["hints"]] == [("cn-id", "编号", 30)]
    owed = {one["control"]: one["present"] for one in await police.get(f"{path}/duties")}
    assert owed["file-scanned"] is True
    assert owed["separate-consent-record"] is False
