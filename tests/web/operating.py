"""An authorised operation over HTTP: who takes part, and each step up to an offer on the market."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from base.calendar import shanghai_day
from registry.operation.rules import Clause
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.api import goods
from tests.web.api.desk import Desk
from tests.web.nodes import Persona, Served

PURPOSE: Final = "普惠金融：小微企业授信"
ENVIRONMENT: Final = "省公共数据运营平台"
FIELDS: Final = {"登记": ("登记状态", "成立日期"), "社保": ("参保月数区间",)}
KEPT: Final = {"登记": ("法定代表人电话",)}
"""Held, and in no scenario."""
YUAN: Final = 100
SEAT: Final = {
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
class Operation:
    """The parties of SC-9 at their desks; `data` are entries of the agencies' lists by name."""

    served: Served
    http: httpx.AsyncClient
    people: dict[str, Persona] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    async def desk(self, name: str) -> Desk:
        """Somebody with a fresh token, just proved."""
        person = self.people[name]
        desk = Desk(self.http, person.login, person.org_id, person.key, token=self.served.token(person))
        await self.served.prove(person)
        return desk

    def id_of(self, name: str) -> str:
        return self.people[name].org_id

    async def act(self, name: str, path: str, body: Any = None, **headers: str) -> Any:
        return await (await self.desk(name)).act(path, body, **headers)

    async def call(self, name: str, path: str, body: Any = None) -> httpx.Response:
        return await (await self.desk(name)).call("POST", path, body)

    def day(self, days: int = 0) -> str:
        return (shanghai_day(self.served.clock.now()) + timedelta(days=days)).isoformat()

    def scheme(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "普惠金融公共数据授权运营",
            "need": "小微企业缺少可核验的信用信息；试点已一年",
            "conditions": ["具有三级等保", "近三年无重大违法记录"],
            "mode": "SCENARIO",
            "resource_range": "企业登记与参保区间",
            "data_ids": sorted(self.data.values()),
            "term_months": 36,
            "exit": "期满销毁数据并移交",
            "products": [
                {"title": "小微授信接口", "product_class": "PAID", "unit": "THOUSAND_CALLS"},
                {"title": "公益查询", "product_class": "FREE", "unit": "CALL"},
            ],
            "income": "运营服务费，收益按约定上缴财政",
            "security": "原始数据不出域",
            "duties": "权利义务另附",
            "supervision": "年度评估，接受监督",
        } | changes

    def selection(self, **changes: Any) -> dict[str, Any]:
        bids = (("operator", 921), ("second", 873), ("third", 850))
        return {
            "method": "OPEN_TENDER",
            "notice_from": self.day(-30),
            "notice_to": self.day(-5),
            "notice_sha256": "1" * 64,
            "record_sha256": "2" * 64,
            "bidders": [
                {
                    "org_id": self.id_of(name),
                    "score": score,
                    "traces": [{"kind": "device", "value_sha256": f"{n}" * 64}],
                }
                for n, (name, score) in enumerate(bids)
            ],
            "winner_id": self.id_of("operator"),
        } | changes

    def agreement(self, **changes: Any) -> dict[str, Any]:
        return {
            "clauses": {clause.value: f"{clause.value}：双方约定" for clause in Clause},
            "term_from": self.day(),
            "term_to": self.day(1094),
            "redevelopment_barred": True,
            "document_sha256": "3" * 64,
        } | changes

    def scenario(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "普惠金融",
            "purpose": PURPOSE,
            "fields": {self.data[name]: list(names) for name, names in FIELDS.items()},
            "users": [self.id_of(name) for name in ("bank", "merchant")],
            "environment": ENVIRONMENT,
            "starts": self.day(),
            "ends": self.day(900),
        } | changes

    def use(self, **changes: Any) -> dict[str, Any]:
        return {
            "data_id": self.data["登记"],
            "fields": ["登记状态"],
            "user_id": self.id_of("bank"),
            "purpose": PURPOSE,
            "environment": ENVIRONMENT,
            "calls": 4_000_000,
        } | changes

    async def drafted(self) -> str:
        """A scheme, consented to by the other agency; answers the grant's path."""
        made = await self.act("agency", "/grants", {"scheme": self.scheme()})
        return f"/grants/{made['grant_id']}"

    async def granted(self, path: str) -> None:
        """Decided, selected, signed by both."""
        await self.act("social", f"{path}/consent")
        meeting = {"meeting_sha256": "4" * 64, "meeting_on": self.day(), "filed_with": self.id_of("province")}
        await self.act("chief", f"{path}/decide", meeting)
        await self.act("agency", f"{path}/select", self.selection())
        await self.act("agency", f"{path}/sign", self.agreement())
        told = await (await self.desk("operator")).get(path)
        filed = {"agreement_sha256": told["agreement_sha256"], "filed_with": self.id_of("province")}
        assert (await self.act("operator", f"{path}/countersign", filed))["status"] == "GRANTED"

    async def activated(self, path: str) -> str:
        """The resources registered, one scenario approved; answers the scenario's id."""
        registered = {
            self.data[name]: await self._registered(who, name, "ab"[n] * 64)
            for n, (name, who) in enumerate((("登记", "agency"), ("社保", "social")))
        }
        self.served.clock.advance(timedelta(days=21))
        for registration_id in registered.values():
            await self.act("officer", f"/registrations/{registration_id}/issue")
        active = await self.act("agency", f"{path}/resources", {"registrations": registered})
        assert active["status"] == "ACTIVE"
        asked = await self.act("operator", f"{path}/scenarios", self.scenario())
        scenario_id: str = asked["scenario_id"]
        await self.act("agency", f"{path}/scenarios/{scenario_id}/approve")
        return scenario_id

    def registration(self, name: str, sample: str, source: str) -> dict[str, Any]:
        """An application for a public registration."""
        declared = {
            "name": name,
            "abstract": f"{name}公共数据资源",
            "industry": "S92",
            "source": source,
            "region": "440000",
            "covers_from": "2020-01-01",
            "covers_to": "2025-12-31",
            "update": "DAILY",
            "volume_rows": 1,
            "volume_bytes": 1,
            "form": "STRUCTURED",
            "sample_sha256": sample,
            "source_proof_sha256": "c" * 64,
            "scenario": "普惠金融",
            "risk_assessment_sha256": "d" * 64,
        }
        return {
            "kind": "PUBLIC_RESOURCE",
            "registrar_id": self.id_of("registrar"),
            "declaration": declared,
        }

    async def _registered(self, who: str, name: str, sample: str) -> str:
        row = await self.act(who, "/registrations", self.registration(name, sample, "PUBLIC_DUTY"))
        path = f"/registrations/{row['registration_id']}"
        await self.act("officer", f"{path}/accept")
        await self.act("officer", f"{path}/publish", {})
        registration_id: str = row["registration_id"]
        return registration_id

    async def draft_listing(self, grant_id: str | None, raw: bytes, **changes: Any) -> dict[str, Any]:
        """A draft of the operator, with an upload of its own."""
        operator = await self.desk("operator")
        file_id = (await operator.upload(raw))["file_id"]
        body = goods.drafted(file_id, list_price_minor=80 * YUAN, unit="千次")
        body |= {"public_data": True, "grant_id": grant_id, "cap_minor": 80 * YUAN} | changes
        answer = await operator.call("POST", "/listings", {k: v for k, v in body.items() if v is not None})
        found: dict[str, Any] = answer.json() | {"http": answer}
        return found

    async def offered(self, listing_id: str, code: str) -> None:
        """A draft measured, submitted, reviewed by three and put on offer."""
        await self.act("operator", f"/listings/{listing_id}/measure", DECLARED.document())
        public = {"source": "AUTHORISED_OPERATION", "public_registration_no": code}
        public |= {"basis_ref": "SJ3112026090001"}  # of another registry: cited
        sent = await self.call("operator", f"/listings/{listing_id}/submit", goods.SUBMITTED | public)
        assert sent.status_code == 200, sent.text
        for number in (1, 2, 3):
            name = f"reviewer-{number}"
            if name not in self.people:
                self.people[name] = await self.served.colleague(self.served.operator, name)
            await self.act(name, f"/listings/{listing_id}/review", {"decision": "APPROVE"})
        await self.act("exchange", f"/listings/{listing_id}/publish")


def table(letter: str) -> bytes:
    """A clean file of its own."""
    return CLEAN.replace("4401", f"44{letter}").encode()


async def operating(served: Served, http: httpx.AsyncClient) -> Operation:
    """Everybody is admitted, the chief appointed, the data listed, the registrar recognised."""
    room = Operation(served, http, {"exchange": served.operator})
    both = {"OPERATING_INSTITUTION", "PROVIDER"}
    for name, words, roles in (
        ("province", "省政务服务和数据管理局", {"DATA_AUTHORITY"}),
        ("agency", "市数据局", {"PUBLIC_AGENCY"}),
        ("social", "市人力资源和社会保障局", {"PUBLIC_AGENCY"}),
        ("operator", "粤公数运营", both),
        ("second", "湾区数据运营", both),
        ("third", "岭南数据运营", both),
        ("bank", "湾区普惠银行", {"BUYER"}),
        ("marketing", "云图营销", {"BUYER"}),
        ("merchant", "甲数商", {"BUYER", "DATA_MERCHANT"}),
        ("registrar", "广东数据登记中心", {"REGISTRAR"}),
    ):
        room.people[name] = await served.admit(words, roles, login=f"op-{name}")
    room.people["chief"] = await served.colleague(room.people["agency"], "op-chief")
    room.people["officer"] = await served.colleague(room.people["registrar"], "op-officer")
    appointed = {
        "user_id": room.people["chief"].user_id,
        "document_sha256": "5" * 64,
        "appointed_on": room.day(),
    }
    await room.act("agency", "/chiefs", appointed)
    await room.act("province", f"/registrars/{room.id_of('registrar')}", SEAT)
    for name, who in (("登记", "agency"), ("社保", "social")):
        entry = {
            "name": f"{name}信息",
            "abstract": f"{name}公共数据",
            "kind": "TABLE",
            "region": "440100",
            "update": "DAILY",
            "level": "general-2",
            "share": "UNCONDITIONAL",
            "fields_held": [
                {"name": one, "type": "text", "meaning": one} for one in (*FIELDS[name], *KEPT.get(name, ()))
            ],
        }
        room.data[name] = (await room.act(who, "/lists/data", entry))["data_id"]
    return room
