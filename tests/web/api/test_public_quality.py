"""Lists over HTTP lead to measured quality, a cross-check of two agencies, a score and its records."""

from datetime import timedelta

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.registry.measuring.test_comparing import LEFT, RIGHT
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, problem
from tests.web.api.test_lists import DATA, agencies, bring


async def mounted(room: Room, desk: Desk, text: str) -> str:
    """A graded-by-nobody entry of an agency, mounted to a file."""
    entry = await desk.act("/lists/data", DATA)
    file = (await bring(room, desk, "a.csv", text.encode())).json()
    await desk.act(f"/lists/data/{entry['data_id']}/mount", {"file_id": file["file_id"]})
    data_id: str = entry["data_id"]
    return data_id


async def test_from_mounted_files_to_a_score_with_its_records(room: Room) -> None:
    police, transport = await agencies(room)
    left, right = await mounted(room, police, LEFT), await mounted(room, transport, RIGHT)
    report = await police.act(f"/agency-data/{left}/measure", {})
    again = await police.act(f"/agency-data/{left}/measure", {})
    assert (again["report_id"], again["report_sha256"]) == (report["report_id"], report["report_sha256"])
    authority = await room.desk("authority")
    asked = {"left_id": left, "right_id": right, "key": ["uscc"]}
    async with nothing_stored(room.database):
        problem(await police.call("POST", "/cross-checks", asked), 403, "forbidden")
        problem(await transport.call("POST", f"/agency-data/{left}/measure", {}), 404, "not-found")
        wrong = await authority.call("POST", "/cross-checks", asked | {"key": ["none"]})
        problem(wrong, 422, "cross-check-malformed")
    check = await authority.act("/cross-checks", asked)
    assert check["rate"] == 7500
    assert [one["check_id"] for one in await transport.get("/cross-checks")] == [check["check_id"]]
    shown = await transport.get(f"/cross-checks/{check['check_id']}")
    assert (shown["result"]["matching"], shown["result"]["agreeing"]) == (3, 6)
    stranger = await room.desk("provider")
    problem(await stranger.call("GET", f"/cross-checks/{check['check_id']}"), 404, "not-found")
    quality = await police.get(f"/agency-data/{left}/quality")
    assert (quality["five"]["TRUTH"], quality["timeliness_now"], quality["stale"]) == (750, 1000, False)
    problem(await transport.call("GET", f"/agency-data/{left}/quality"), 404, "not-found")

    year = room.served.clock.now().year - 1
    period = {"name": f"{year}", "covers_from": f"{year}-01-01", "covers_to": f"{year}-12-31"}
    await authority.act("/evaluation-periods", period | {"agency_ids": [police.org_id]})
    (row,) = await police.get("/evaluations")
    path = f"/evaluations/{row['evaluation_id']}"
    problem(await authority.call("POST", f"{path}/score"), 409, "evaluation-too-early")
    room.served.clock.advance(timedelta(days=40))  # nothing was reported
    await room.served.node.run_jobs()
    for desk in (authority, police):
        await desk.sign_in()
    scored = await authority.act(f"{path}/score")
    indicators = {one["name"]: one for one in (await police.get(path))["indicators"]}
    shares = {name: one["share"] for name, one in indicators.items()}
    assert shares["LISTS"] == 5000  # current, and in no system
    assert (shares["MOUNTING"], shares["GRADING"], shares["SHARING"]) == (10_000, 0, None)
    assert indicators["LISTS"]["groups"]["incomplete"]["ids"] == [left]
    assert indicators["QUALITY"]["groups"]["stale"]["ids"] == [left]
    assert indicators["QUALITY"]["mean_tenths"] == report["score_tenths"]
    weighed = [one for one in indicators.values() if one["share"] is not None]
    assert scored["score"] == sum(one["weight"] * one["share"] for one in weighed) // sum(
        one["weight"] for one in weighed
    )
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean
