"""The lists over HTTP: their links, an import, one source, a share with its file, and the audit."""

import asyncio
import csv
import hashlib
import io
from datetime import timedelta
from typing import Any

import httpx
import openpyxl

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.registry.lists.test_importing import GOOD, HEADINGS, cells
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem

DATA: dict[str, Any] = {
    "name": "机动车登记信息",
    "abstract": "号牌、车型与登记状态",
    "kind": "TABLE",
    "region": "440000",
    "update": "DAILY",
    "level": "general-2",
    "share": "CONDITIONAL",
    "share_reason": "依法履职",
    "theme": "交通",
    "fields_held": [{"name": "车牌号"}, {"name": "车型"}],
}


async def agencies(room: Room) -> tuple[Desk, Desk]:
    desks = []
    for login, name in (("police", "省公安厅"), ("transport", "省交通运输厅")):
        member = await room.served.admit(name, {"PUBLIC_AGENCY"}, login=login)
        desks.append(await Desk(room.http, login, member.org_id).sign_in())
    return desks[0], desks[1]


async def bring(room: Room, desk: Desk, name: str, raw: bytes) -> httpx.Response:
    headers = {"authorization": f"Bearer {desk.token}", "file-name": name, "content-type": "text/csv"}
    return await room.http.put("/api/v1/lists/files", content=raw, headers=headers)


def a_list(*rows: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([["省交通运输厅数据清单"], HEADINGS, *rows])
    return out.getvalue().encode("gb18030")


async def test_a_demand_leads_to_its_entry_and_system_and_the_file_is_had(room: Room) -> None:
    police, transport = await agencies(room)
    system = await police.act(
        "/lists/systems", {"name": "机动车登记系统", "purpose": "登记", "region": "440000"}
    )
    entry = await police.act("/lists/data", DATA | {"system_id": system["system_id"]})
    demand = await transport.act("/lists/demands", {"name": "机动车信息", "purpose": "超载治理"})
    shown = await transport.get(f"/lists/demands/{demand['demand_id']}")
    assert (shown["gap"], shown["entry"]) == (True, None)
    await transport.act(f"/lists/demands/{demand['demand_id']}/match", {"data_id": entry["data_id"]})
    shown = await transport.get(f"/lists/demands/{demand['demand_id']}")
    assert (shown["gap"], shown["entry"]["data_id"], shown["entry_system"]["system_id"]) == (
        False,
        entry["data_id"],
        system["system_id"],
    )
    lying = await bring(room, police, "a.csv", b"PK\x03\x04 no list")
    problem(lying, 422, "list-file-unreadable")
    file = (await bring(room, police, "plates.csv", "车牌号\n粤A1\n".encode())).json()
    await police.act(f"/lists/data/{entry['data_id']}/mount", {"file_id": file["file_id"]})
    asked = {"data_id": entry["data_id"], "purpose": "超载治理", "basis": "公路法"}
    share = await transport.act("/lists/shares", asked | {"demand_id": demand["demand_id"]})
    path = f"/lists/shares/{share['share_id']}"
    problem(await transport.call("GET", f"{path}/file"), 404, "not-found")
    await police.act(f"{path}/grant", {"answer": "同意"})
    had = await transport.call("GET", f"{path}/file")
    assert had.content == "车牌号\n粤A1\n".encode()
    assert (await transport.get(path))["status"] == "SERVED"
    problem(await police.call("GET", f"{path}/file"), 404, "not-found")
    provider = await room.desk("provider")
    problem(await provider.call("GET", "/lists/data"), 403, "forbidden")
    authority = await room.desk("authority")
    (use,) = await authority.get("/lists/uses?since=2026-01-01&until=2030-01-01")
    assert (use["provider_id"], use["calls"], use["failed"]) == (police.org_id, 1, 0)
    figures = await authority.get(f"/lists/figures/{police.org_id}")
    assert figures["figures"]["mounting"] == "1"
    assert (figures["figures"]["answered_in_time"], figures["facts"]["served_in_time"]) == ("1", 1)


async def test_one_source_is_disputed_decided_and_audited(room: Room) -> None:
    police, transport = await agencies(room)
    item = await police.act("/lists/items", {"name": "车牌号", "meaning": "号牌", "synonyms": ["号牌号码"]})
    path = f"/lists/items/{item['item_id']}"
    claim = {"function": "机动车登记", "basis": "道路交通安全法"}
    await police.act(f"{path}/claim", claim)
    (found,) = await transport.get("/lists/items/existing?name=号牌 号码")
    assert (found["match"], found["item"]["source_id"]) == ("SAME", police.org_id)
    async with only_refused(room.database, "item-exists"):
        answer = await transport.call("POST", "/lists/items", {"name": "号牌号码", "meaning": "号牌"})
    assert problem(answer, 409, "item-exists")["source_id"] == police.org_id
    disputed = await transport.act(f"{path}/claim", claim)
    assert disputed["status"] == "CONFLICT"
    authority = await room.desk("authority")
    decided = {"source_id": police.org_id, "reason": "登记职责"}
    assert (await authority.act(f"{path}/resolve", decided))["status"] == "RESOLVED"
    entry = await police.act("/lists/data", DATA)
    share = await transport.act(
        "/lists/shares", {"data_id": entry["data_id"], "purpose": "治理", "basis": "公路法"}
    )
    room.served.clock.advance(timedelta(days=40))
    await room.served.node.run_jobs()
    await transport.sign_in()
    assert (await transport.get(f"/lists/shares/{share['share_id']}"))["late_answer"] is True
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean


async def test_a_list_is_read_shown_entered_and_exported(room: Room) -> None:
    _, transport = await agencies(room)
    await transport.act("/lists/systems", {"name": GOOD["所属系统"], "purpose": "许可", "region": "440000"})
    raw = a_list(cells(), cells(信息资源代码="JT002", 更新周期="偶尔"))
    file = (await bring(room, transport, "list.csv", raw)).json()
    report = await transport.act("/lists/imports", {"list_name": "data", "file_id": file["file_id"]})
    assert (report["good"], report["bad"], report["entered_at"]) == (1, 1, None)
    assert await transport.get("/lists/data") == []
    path = f"/lists/imports/{report['import_id']}"
    assert await transport.get(f"{path}/faults") == [{"row": 4, "heading": "更新周期", "why": "unknown-word"}]
    entered = await transport.act(f"{path}/enter")
    assert (entered["added"], entered["unchanged"]) == (1, 0)
    problem(await transport.call("POST", f"{path}/enter"), 409, "import-wrong-state")
    (entry,) = await transport.get("/lists/data?words=营运")
    exported = (await transport.call("GET", "/lists/export/data.csv")).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(exported))
    assert (row["信息资源名称"], row["所属系统"]) == (entry["name"], GOOD["所属系统"])
    (same,) = (await transport.call("GET", "/lists/export/responsibilities.json")).json()
    assert (same["agency"], same["share_reason"]) == ("省交通运输厅", "依法履职")
    again = (await bring(room, transport, "again.csv", exported.encode())).json()
    report = await transport.act("/lists/imports", {"list_name": "data", "file_id": again["file_id"]})
    entered = await transport.act(f"/lists/imports/{report['import_id']}/enter")
    assert (entered["good"], entered["unchanged"]) == (1, 1)


async def test_the_same_list_is_taken_as_xlsx_and_as_csv(room: Room) -> None:
    _, transport = await agencies(room)
    rows = [["系统名称", "系统功能", "行政区划代码"], ["许可系统", "许可", "440000"]]
    book, text = openpyxl.Workbook(), io.StringIO()
    for row in rows:
        book.active.append(row)
    csv.writer(text).writerows(rows)
    book.save(packed := io.BytesIO())
    told = []
    for name, raw in (("list.xlsx", packed.getvalue()), ("list.csv", text.getvalue().encode())):
        file = (await bring(room, transport, name, raw)).json()
        said = {"list_name": "systems", "file_id": file["file_id"]}
        report = await transport.act("/lists/imports", said)
        entered = await transport.act(f"/lists/imports/{report['import_id']}/enter")
        told.append((report["form"], report["good"], entered["added"], entered["unchanged"]))
    assert told == [("xlsx", 1, 1, 0), ("text", 1, 0, 1)]
    (system,) = await transport.get("/lists/systems")
    assert (system["name"], system["version"]) == ("许可系统", 1)


async def test_what_was_granted_is_had_and_nothing_more(room: Room) -> None:
    police, transport = await agencies(room)
    entry = await police.act("/lists/data", DATA)
    about = f"/lists/data/{entry['data_id']}"
    whole = "车牌号,车型,身份证\n粤A1,货车,440000\n"
    file = (await bring(room, police, "plates.csv", whole.encode("gb18030"))).json()
    await police.act(f"{about}/mount", {"file_id": file["file_id"]})
    asked = {"data_id": entry["data_id"], "purpose": "治理", "basis": "公路法"}
    wrong = await transport.act("/lists/shares", asked | {"kind": "CORRECTION"})
    await police.act(f"/lists/shares/{wrong['share_id']}/grant", {"answer": "将更正"})
    answer = await transport.call("GET", f"/lists/shares/{wrong['share_id']}/file")
    problem(answer, 409, "share-closed")
    share = await transport.act("/lists/shares", asked | {"fields_wanted": ["车型"]})
    path = f"/lists/shares/{share['share_id']}"
    await police.act(f"{path}/grant", {"answer": "同意"})
    had = await asyncio.gather(*(transport.call("GET", f"{path}/file") for _ in range(4)))
    assert [(one.status_code, one.text) for one in had] == [(200, "车型\n货车\n")] * 4
    assert (await transport.get(path))["status"] == "SERVED"
    assert hashlib.sha256(had[0].content).hexdigest() == (await transport.get(path))["served_sha256"]
    other = (await bring(room, police, "other.csv", "车牌号\n粤A1\n".encode())).json()
    await police.act(f"{about}/mount", {"file_id": other["file_id"]})
    told = problem(await transport.call("GET", f"{path}/file"), 409, "share-not-cut")
    assert told["missing"] == ["车型"]
    for change in ({"level": "important"}, {"share": "NOT_SHARED"}):
        version = (await police.get(about))["version"]
        await police.act(f"{about}/change", DATA | change | {"version": version})
        problem(await transport.call("GET", f"{path}/file"), 409, "share-closed")
    (use,) = await (await room.desk("authority")).get("/lists/uses?since=2026-01-01&until=2030-01-01")
    assert (use["calls"], use["failed"]) == (8, 4)


async def test_unconditional_data_is_had_at_once_below_general_3_alone(room: Room) -> None:
    police, transport = await agencies(room)
    free = DATA | {"share": "UNCONDITIONAL", "share_reason": ""}
    entry = await police.act("/lists/data", free)
    high = await police.act("/lists/data", free | {"name": "高", "level": "general-3"})
    asked = {"purpose": "治理", "basis": "公路法"}
    waits = await transport.act("/lists/shares", asked | {"data_id": high["data_id"]})
    assert (waits["status"], waits["serve_by"]) == ("SUBMITTED", None)
    share = await transport.act("/lists/shares", asked | {"data_id": entry["data_id"]})
    assert share["status"] == "ANSWERED_GRANT"
    file = (await bring(room, police, "plates.csv", b"a\n1\n")).json()
    await police.act(f"/lists/data/{entry['data_id']}/mount", {"file_id": file["file_id"]})
    path = f"/lists/shares/{share['share_id']}/file"
    assert (await transport.call("GET", path)).content == b"a\n1\n"
    before = await transport.get(path.removesuffix("/file"))
    for region, status in (("HK", 409), ("440100", 200)):  # it is no sale: no clearance lets it out
        await transport.act("/customs-endpoint", {"region": region})
        answer = await transport.call("GET", path)
        assert answer.status_code == status, answer.text
        assert await transport.get(path.removesuffix("/file")) == before
    raised = free | {"level": "general-3", "version": entry["version"]}
    await police.act(f"/lists/data/{entry['data_id']}/change", raised)
    problem(await transport.call("GET", path), 409, "share-closed")
