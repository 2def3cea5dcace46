"""Customs over HTTP: an exporter declares, officers decide, nobody else looks; the audit follows."""

from copy import deepcopy
from typing import Any

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem

FLOW: dict[str, Any] = {
    "recipient": {"name": "Lion City Analytics", "country": "SG", "contact": "privacy@lion.example"},
    "purpose": "fraud model",
    "necessity": "模型在当地训练",
    "fields": [
        {"name": "weekday"},
        {"name": "phone", "personal": True, "level": "general-3"},
    ],
    "level": "general-3",
    "persons": 100_000,
    "volume_bytes": 1_000_000,
    "volume_uses": 10,
    "mode": "FILE",
    "channel": "DEDICATED",
    "storage_place": "SG",
    "retention_months": 12,
    "period_from": "2026-11-16",
    "period_to": "2027-11-15",
    "industry": "J66",
}
SHOWN: dict[str, Any] = {
    "kind": "STANDARD_CONTRACT",
    "number": "GD-SC-2026-0001",
    "sha256": "c" * 64,
    "attached": {"contract": "1" * 64, "pipia": "2" * 64, "consent": "3" * 64},
    "pipia_on": "2026-10-30",
}
DOCUMENT: dict[str, Any] = {
    "kind": "STANDARD_CONTRACT",
    "number": "GD-SC-2026-0001",
    "recipient_name": "Lion City Analytics",
    "country": "SG",
    "persons": 500_000,
    "sha256": "c" * 64,
    "issued_on": "2026-11-02",
    "filed_on": "2026-11-13",
}


def flow(**changes: Any) -> dict[str, Any]:
    return deepcopy(FLOW) | changes


async def officers(room: Room) -> tuple[Desk, Desk]:
    cac = await room.served.admit("省网信办", {"CAC"}, login="cac")
    found = []
    for login in ("officer-mei", "officer-tao"):
        await room.served.colleague(cac, login)
        found.append(await Desk(room.http, login).sign_in())
    return found[0], found[1]


async def _halted_in_an_incident(room: Room, mei: Desk, path: str) -> None:
    """The exchange halts a clearance by an incident's order; the CAC alone lets it go, and may see why."""
    operator = await room.desk("operator")
    told = {"title": "a leak", "text": "found outside", "facts": {"kind": "LEAK"}}
    incident = f"/incidents/{(await operator.act('/incidents', told))['incident_id']}"
    problem(await mei.call("GET", incident), 404, "incident-unknown")
    ordered = {"measure": "HALT_CLEARANCE", "object_id": path.rpartition("/")[2], "reason": "it leaks"}
    made = await operator.act(f"{incident}/measures", ordered)
    assert (await mei.get(path))["status"] == "HALTED"
    lift = f"{incident}/measures/{made['order_id']}/lift"
    async with only_refused(room.database, "incident-measure-beyond-power"):
        problem(await operator.call("POST", lift, {"reason": "shut"}), 403, "incident-measure-beyond-power")
    assert (await mei.get(incident))["incident_id"] == incident.rpartition("/")[2]
    await mei.act(lift, {"reason": "it is shut"})
    assert (await mei.get(path))["status"] == "CLEARED"


async def test_a_flow_is_declared_carried_cleared_halted_and_audited(room: Room) -> None:
    mei, tao = await officers(room)
    provider, stranger = await room.desk("provider"), await room.desk("second")
    row = await provider.act("/declarations", {"declaration": flow()})
    assert (row["status"], row["way"], row["rule_id"]) == ("ROUTED", "CONTRACT_OR_CERTIFICATION", "XBD-R12")
    path = f"/declarations/{row['declaration_id']}"
    problem(await stranger.call("GET", path), 404, "not-found")
    problem(await stranger.call("GET", f"{path}/egress"), 404, "not-found")
    assert await stranger.get("/declarations") == []
    mine = await provider.get(path)
    assert [one["rule_id"] for one in mine["trace"]] == [f"XBD-R{n}" for n in range(1, 13)]
    assert "counts" not in mine
    async with only_refused(room.database, "customs-evidence-refused"):
        answer = await provider.call("POST", f"{path}/evidence", SHOWN)
    assert problem(answer, 409, "customs-evidence-refused")["why"] == "unknown"
    await mei.act("/customs-documents", {"document": DOCUMENT | {"exporter_ids": [provider.org_id]}})
    assert len(await provider.get("/customs-documents")) == 1
    assert await stranger.get("/customs-documents") == []
    answer = await provider.call("POST", f"{path}/evidence", SHOWN | {"sha256": "d" * 64})
    assert problem(answer, 409, "customs-evidence-refused")["why"] == "forged"
    shown = await provider.act(f"{path}/evidence", SHOWN)
    assert shown["status"] == "UNDER_REVIEW"
    seen = await mei.get(path)
    assert seen["counts"] == {"persons": 100_000, "sensitive": 0, "by": [row["declaration_id"]]}
    assert {"points", "reasons", "lot", "root"} <= set(seen["risk"])
    await mei.act(f"{path}/take")
    async with only_refused(room.database, "declaration-taken"):
        answer = await tao.call("POST", f"{path}/take")
    problem(answer, 409, "declaration-taken")
    problem(await tao.call("POST", f"{path}/clear", {"reason": "mine"}), 409, "declaration-taken")
    assert (await mei.act(f"{path}/clear", {"reason": "in order"}))["status"] == "CLEARED"
    halted = await tao.act(f"{path}/halt", {"reason": "an incident", "reason_code": "INCIDENT"})
    assert halted["status"] == "HALTED"
    await tao.act(f"{path}/resume", {"reason": "mended"})
    await _halted_in_an_incident(room, mei, path)
    exempt = flow(fields=[{"name": "weekday"}], level="general-1", persons=0)
    released = await provider.act("/declarations", {"declaration": exempt})
    assert released["way"] == "EXEMPT_NO_PERSONAL"
    line = {
        "entry_id": "NS-1",
        "industry": "J",
        "data_desc": "credit records",
        "threshold": 1,
        "way": "ASSESSMENT",
    }
    zone = {"zone": "nansha", "entries": [line], "source": "notice 1", "effective_from": "2026-11-16"}
    assert (await mei.act("/negative-lists", zone))["version"] == 1
    assert (await room.http.get("/api/v1/negative-lists")).json()[0]["entries"][0]["entry_id"] == "NS-1"
    assert (await provider.act("/customs-endpoint", {"region": "SG"}))["region"] == "SG"
    assert (await provider.get("/customs-endpoint"))["endpoint"] == "SG"

    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean


async def test_what_is_not_of_its_form_is_a_problem_and_moves_nothing(room: Room) -> None:
    provider = await room.desk("provider")
    for change, code in (
        ({"persons": -1}, "malformed"),
        ({"persons": 0}, "declaration-malformed"),
        ({"storage_place": "Singapore"}, "malformed"),
        ({"period_to": "2026-11-15"}, "declaration-malformed"),
        ({"attachments": {"a b": "1" * 64}}, "malformed"),
        ({"kind": "RESEARCH"}, "declaration-malformed"),
        (
            {"recipient": FLOW["recipient"] | {"country": "440100"}, "storage_place": "CN"},
            "declaration-malformed",
        ),
    ):
        async with nothing_stored(room.database):
            answer = await provider.call("POST", "/declarations", {"declaration": flow(**change)})
        problem(answer, 422, code)
