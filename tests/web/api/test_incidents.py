"""A simulated leak from its trace to the closed file, the clock moved; the twin that comes a minute late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlmodel import select

from base.canonical import sha256_hex
from base.clock import parse_rfc3339, rfc3339
from cli.exporting import export_bundle
from ledger.bundle import Edition
from ledger.reader import Statement, statements_of
from market.delivery.marking.tables import Mark, MarkState
from market.delivery.tables import Entitlement
from supervision.audit import audit
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem

LEAKED = b"%PDF: a copy that was found outside"
FACTS: dict[str, Any] = {"kind": "LEAK", "persons": 1_200_000}
LEAK = {"title": "a marked copy is on a forum", "text": "found by its mark", "facts": FACTS}
FIRST = {"receiver": "CAC", "text": "what is known", "unknown": "how it left"}
TOLD = {"what": "consumption by hour", "harm": "habits show", "measures": "stopped", "contact": "12377"}
SUMMARY = {"cause": "a buyer's account", "course": "two days", "lessons": "keys", "actions": "shorter keys"}


async def plant_mark(room: Room) -> str:
    """The running delivery's copy carries a mark, and is the file that was found."""
    plan = {"format": "databourse-mark/1", "columns": [], "anchors": [], "every": 2, "missing": []}
    async with room.database.write() as s:
        mine = select(Entitlement).where(Entitlement.trade_id == room.ids["delivering"])
        right = (await s.exec(mine)).one()
        s.add(
            Mark(
                entitlement_id=right.entitlement_id,
                trade_id=right.trade_id,
                source_file_id=right.file_id,
                source_sha256=right.sha256,
                source_bytes=right.bytes,
                columns="[]",
                status=MarkState.MARKED,
                plan=orjson.dumps(plan).decode(),
                copy_sha256=sha256_hex(LEAKED),
                commitment="c" * 64,
                asked_at=room.served.clock.now(),
            )
        )
        return right.entitlement_id


async def due_in(desk: Desk, path: str, matter: str) -> datetime:
    clocks = (await desk.get(path))["duties"]
    return parse_rfc3339(next(one["due_at"] for one in clocks if one["matter"] == matter))


async def said(room: Room, object_id: str) -> list[Statement]:
    """What was stated of it, but refusals."""
    async with room.database.read() as s:
        found = await statements_of(s, object_id=object_id)
    return [one for one in found if one.event != "REF.REFUSE"]


@dataclass
class Team:
    """Who handles the leak, and the way to the file."""

    room: Room
    first: Desk
    second: Desk
    office: Desk
    buyer: Desk
    path: str = ""

    @classmethod
    async def of(cls, room: Room) -> "Team":
        people = room.market.people
        people["cac"] = await room.served.admit("省网信办", {"CAC"}, login="cac")
        people["li"] = await room.served.colleague(people["operator"], "officer-li")
        first, second, office, buyer = [await room.desk(one) for one in ("operator", "li", "cac", "buyer")]
        return cls(room, first, second, office, buyer)

    @property
    def incident_id(self) -> str:
        return self.path.rpartition("/")[2]

    async def later(self, by: timedelta) -> datetime:
        """The clock goes on, what is due is done, and everybody signs in again."""
        now = self.room.served.clock.advance(by)
        await self.room.served.node.run_jobs()
        desks = {"operator": self.first, "li": self.second, "cac": self.office, "buyer": self.buyer}
        for name, desk in desks.items():
            desk.token = self.room.served.token(self.room.market.people[name])
        return now


async def test_a_leak_is_warned_of_reported_in_time_contained_reviewed_and_closed(room: Room) -> None:
    team = await Team.of(room)
    taken_at = await _warned(team)
    order_id = await _stopped(team)
    twin_id = await _reported(team, taken_at)
    await _closed(team, order_id)
    assert {one["incident_id"] for one in await team.first.get("/incident-clocks")} == {twin_id}
    assert [one.event for one in await said(room, team.incident_id)] == [
        "INC.DETECT",
        "INC.GRADE",
        "INC.MEASURE",
        "INC.REPORT",
        "INC.RECEIVE",
        "INC.REPORT",
        "INC.CONTAIN",
        "INC.NOTIFY_SUBJECTS",
        "INC.ERADICATE",
        "INC.REVIEW",
        "INC.LIFT",
        "INC.CLOSE",
    ]
    await _bulletin(team)
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean


async def _warned(team: Team) -> datetime:
    """A trace names the delivery; an officer takes the warning up and makes an incident of it."""
    room, first = team.room, team.first
    entitlement_id = await plant_mark(room)
    headers = {"authorization": f"Bearer {first.token}", "idempotency-key": "leak"}
    traced = await room.http.post("/api/v1/traces", content=LEAKED, headers=headers)
    assert [one["trade_id"] for one in traced.json()["named"]] == [room.ids["delivering"]]
    problem(await team.buyer.call("GET", "/warnings"), 403, "forbidden")
    (warning,) = await first.get("/warnings")
    assert (warning["signal"], warning["colour"], warning["about"]) == ("MARK_HIT", "ORANGE", entitlement_id)
    taken_at = await team.later(timedelta(minutes=10))
    await first.act(f"/warnings/{warning['warning_id']}/acknowledge")
    await team.later(timedelta(minutes=20))
    row = await first.act(f"/warnings/{warning['warning_id']}/escalate", LEAK)
    team.path = path = f"/incidents/{row['incident_id']}"
    assert parse_rfc3339(row["detected_at"]) == taken_at  # what was left lying gains no time
    graded = await first.act(f"{path}/grade", {"facts": FACTS})
    assert (graded["level"], graded["cited"]) == ("LARGER", ["INC-GRADE@1.persons_larger"])
    assert await due_in(first, path, "REPORT") == taken_at + timedelta(hours=4)
    problem(await team.office.call("GET", path), 404, "incident-unknown")
    problem(await team.buyer.call("GET", path), 404, "incident-unknown")
    return taken_at


async def _stopped(team: Team) -> str:
    """The delivery is stopped, by the market's own door; nothing is contained that is not reported."""
    room, first, trade_id = team.room, team.first, team.room.ids["delivering"]
    stop = {"measure": "STOP_DELIVERY", "object_id": trade_id, "reason": "the copy leaks"}
    order = await first.act(f"{team.path}/measures", stop)
    suspended = (await said(room, trade_id))[-1]
    assert (suspended.event, suspended.predicate["order_id"]) == ("TRD.SUSPEND", order["order_id"])
    assert (await team.buyer.get(f"/trades/{trade_id}"))["status"] == "DELIVERY_SUSPENDED"
    async with only_refused(room.database, "incident-report-due"):
        answer = await first.call("POST", f"{team.path}/contain", {"text": "stopped"})
    problem(answer, 409, "incident-report-due")
    return str(order["order_id"])


async def _reported(team: Team, taken_at: datetime) -> str:
    """At its last moment it is in time; the twin, a member's own of the same moment, a minute late."""
    room, first, buyer, path = team.room, team.first, team.buyer, team.path
    twin = await buyer.act("/incidents", LEAK | {"detected_at": rfc3339(taken_at)})
    other = f"/incidents/{twin['incident_id']}"
    await buyer.act(f"{other}/grade", {"facts": FACTS})
    await team.later(taken_at + timedelta(hours=4) - room.served.clock.now())
    reported = await first.act(f"{path}/reports", FIRST)
    assert reported["late"] is False
    await team.later(timedelta(minutes=1))
    assert (await buyer.act(f"{other}/reports", FIRST))["late"] is True
    events = [one.event for one in await said(room, twin["incident_id"])]
    assert events == ["INC.DETECT", "INC.GRADE", "INC.OVERDUE", "INC.REPORT"]
    assert (await team.office.get(path))["reports"][0]["document"]["unknown"] == "how it left"
    received = await team.office.act(f"{path}/reports/{reported['report_id']}/receive")
    assert received["received_at"] is not None
    await first.act(f"{path}/reports", FIRST | {"receiver": "DATA_AUTHORITY"})
    return str(twin["incident_id"])


async def _closed(team: Team, order_id: str) -> None:
    """Contained, persons told, the cause gone, reviewed; another closes, once the measure is lifted."""
    first, second, path = team.first, team.second, team.path
    await first.act(f"{path}/contain", {"text": "stopped"})
    problem(await first.call("POST", f"{path}/eradicate", {"text": "gone"}), 409, "subjects-not-notified")
    await first.act(f"{path}/subjects", TOLD | {"persons": 1_200_000})
    await first.act(f"{path}/eradicate", {"text": "the account is closed"})
    await first.act(f"{path}/review", SUMMARY)
    done = {"reason": "all is done"}
    problem(await first.call("POST", f"{path}/close", done), 403, "incident-same-officer")
    answer = await second.call("POST", f"{path}/close", done)
    assert problem(answer, 409, "incident-measure-stands")["orders"] == [order_id]
    await second.act(f"{path}/measures/{order_id}/lift", {"reason": "another key"})
    trade = await team.buyer.get(f"/trades/{team.room.ids['delivering']}")
    assert trade["status"] == "DELIVERING"
    closed = await second.act(f"{path}/close", done)
    assert (closed["status"], closed["notified"]) == ("CLOSED", 1_200_000)


async def _bulletin(team: Team) -> None:
    """The cyberspace administration tells the buyers; one reads it, the other is reminded."""
    room, office, buyer, incident_id = team.room, team.office, team.buyer, team.incident_id
    told = {"title": "copies leak", "text": "change your keys", "colour": "RED", "incident_id": incident_id}
    made = await office.act("/bulletins", told | {"address": {"roles": ["BUYER"]}})
    path = f"/bulletins/{made['bulletin_id']}"
    provider = await room.desk("provider")
    problem(await provider.call("GET", path), 404, "bulletin-unknown")
    assert (await buyer.act(f"{path}/receive"))["received_at"] is not None
    problem(await buyer.call("POST", f"{path}/receive"), 409, "bulletin-received-before")
    await team.later(timedelta(hours=2, seconds=1))
    second = await room.desk("second")
    assert (await second.get(path))["reminded_at"] is not None
    shown = await office.get(path)
    assert (shown["addressed"], shown["received"]) == (2, 1)
    assert (await buyer.get(f"{path}/advisory"))["document"]["aggregate_severity"]["text"] == "Critical"
    assert [one.event for one in await said(room, made["bulletin_id"])] == [
        "BUL.ISSUE",
        "BUL.RECEIVE",
        "BUL.REMIND",
    ]


async def test_a_weakness_is_reported_by_anybody_and_read_by_officers(room: Room) -> None:
    told = {
        "severity": "HIGH",
        "text": "a door stands open",
        "name": "Lin Wei",
        "contact": "lin@white.example",
    }
    made = (await room.http.post("/api/v1/weaknesses", json=told)).json()
    followed = await room.http.post("/api/v1/weaknesses/follow-up", json={"code": made["code"]})
    assert (followed.json()["status"], followed.json()["colour"]) == ("RAISED", "ORANGE")
    wrong = await room.http.post("/api/v1/weaknesses/follow-up", json={"code": "AAAAAA-BBBBBB"})
    problem(wrong, 404, "weakness-code-unknown")
    (raised,) = await said(room, made["warning_id"])
    assert "Lin" not in str(raised.predicate)
    assert "door" not in str(raised.predicate)
    assert raised.opening_sha256 is None
    operator, authority = await room.desk("operator"), await room.desk("authority")
    path = f"/warnings/{made['warning_id']}"
    assert "Lin" not in str(await operator.get(path))
    problem(await authority.call("POST", f"{path}/reporter"), 403, "forbidden")
    assert (await operator.act(f"{path}/reporter"))["name"] == "Lin Wei"
    assert [one.event for one in await said(room, made["warning_id"])] == ["WRN.RAISE", "WRN.READ_REPORTER"]


async def test_an_access_key_is_revoked_by_an_incidents_order_and_for_good(room: Room) -> None:
    """What the gateway is called with ends at once; nobody gives it back, its holder issues another."""
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    rights = await buyer.get("/entitlements")
    right = next(one for one in rights if one["trade_id"] == room.ids["delivering"])
    keys = f"/entitlements/{right['entitlement_id']}/keys"
    key = f"/keys/{(await buyer.act(keys, {}))['key_id']}"
    assert (await buyer.get(keys))[0]["revoked_at"] is None
    incident = f"/incidents/{(await operator.act('/incidents', LEAK))['incident_id']}"
    ordered = {"measure": "REVOKE_KEY", "object_id": key.rpartition("/")[2], "reason": "it leaks"}
    made = await operator.act(f"{incident}/measures", ordered)
    assert (await buyer.get(keys))[0]["revoked_at"] is not None
    stated = await said(room, room.ids["delivering"])
    assert (stated[-1].event, stated[-1].predicate["order_id"]) == ("DLV.REVOKE_KEY", made["order_id"])
    async with only_refused(room.database, "incident-measure-idle"):
        problem(await operator.call("POST", f"{incident}/measures", ordered), 409, "incident-measure-idle")
    lift = f"{incident}/measures/{made['order_id']}/lift"
    async with only_refused(room.database, "incident-measure-beyond-power"):
        problem(await operator.call("POST", lift, {"reason": "shut"}), 403, "incident-measure-beyond-power")
