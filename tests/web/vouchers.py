"""SC-2's people and papers: a grid company, a factory, two banks, the data authority, one type."""

from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any, Final

import httpx

from registry.vouchers.document import data_digest
from tests.web.api.desk import Desk
from tests.web.nodes import Persona, Served

PURPOSE: Final = "CREDIT_APPROVAL"
REFERENCE: Final = "信贷审批 2026-LN-0815"
READINGS: Final = tuple(128_457 + 913 * month % 7_919 for month in range(24))
"""Kilowatt-hours of 24 months, which never leave the grid company."""
NONCE: Final = "5a" * 32
MONTHS: Final = {"period_from": "2024-08", "period_to": "2026-07"}
TYPE: Final[dict[str, Any]] = {
    "code": "ELEC-CREDIT",
    "name": "用电信用凭证（信贷）",
    "scenario": "CREDIT",
    "mode": "RANGES",
    "purposes": [PURPOSE, "CREDIT_REVIEW"],
    "items": [
        {"code": "MONTHLY_USE", "name": "月用电量区间", "form": "RANGE", "unit": "kWh"},
        {"code": "STABILITY", "name": "用电稳定性指数", "form": "INDEX"},
        {"code": "IN_ARREARS", "name": "是否欠费", "form": "FACT"},
    ],
    "max_level": "general-3",
    "min_quality_tenths": 900,
    "max_months": 36,
    "max_uses": 5,
}
LOW, HIGH = "120000", "140000"
TOLD: Final[list[dict[str, Any]]] = [
    {"item": "MONTHLY_USE", "low": LOW, "high": HIGH},
    {"item": "STABILITY", "index": round(1000 - 1000 * pstdev(READINGS) / fmean(READINGS))},
    {"item": "IN_ARREARS", "holds": False},
]
GOODS: Final[dict[str, Any]] = {
    "items": [one | {"source_department": "市场营销部", "level": "general-3"} for one in TOLD],
    "data_sha256": data_digest([str(reading) for reading in READINGS], NONCE),
    "quality_tenths": 976,
}


@dataclass
class Loan:
    """Everybody's desk, and the type that is in force."""

    served: Served
    people: dict[str, Persona]
    desks: dict[str, Desk]
    type_id: str

    def __getattr__(self, name: str) -> Desk:
        return self.desks[name]

    def asked(self, **changed: Any) -> dict[str, Any]:
        """What the bank asks of the factory."""
        return {
            "type_id": self.type_id,
            "subject_id": self.factory.org_id,
            "user_id": self.bank.org_id,
            "provider_id": self.grid.org_id,
            "purpose": PURPOSE,
            "reference": REFERENCE,
            "items": [item["code"] for item in TYPE["items"]],
            "max_uses": 3,
            **MONTHS,
            **changed,
        }

    async def requested(self, **changed: Any) -> str:
        row = await self.bank.act("/vouchers", self.asked(**changed))
        return f"/vouchers/{row['voucher_id']}"

    async def generated(self, **changed: Any) -> str:
        path = await self.requested(**changed)
        await self.factory.act(f"{path}/authorise", {})
        await self.grid.act(f"{path}/generate", GOODS)
        return path

    async def shown(self, **changed: Any) -> tuple[str, str]:
        """A certificate that was presented: its address, and the bytes that the bank was shown."""
        path = await self.generated(**changed)
        await self.factory.act(f"{path}/store", {})
        await self.factory.act(f"{path}/present", {})
        return path, await self.presentation(path)

    async def presentation(self, path: str) -> str:
        answer = await self.bank.call("GET", f"{path}/presentation")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/vp"
        return answer.text


def use(presentation: str, **changed: Any) -> dict[str, Any]:
    """What a bank says when it verifies."""
    return {"presentation": presentation, "purpose": PURPOSE, "reference": REFERENCE, **changed}


async def lending(served: Served, http: httpx.AsyncClient, prefix: str = "") -> Loan:
    """The people of SC-2, and ELEC-CREDIT in force."""
    seats = {
        "grid": ("南粤电网有限公司", {"PROVIDER"}),
        "factory": ("佛山禾禧金属制品厂", {"BUYER"}),
        "bank": ("岭南农商行", {"BUYER"}),
        "other": ("珠江城商行", {"BUYER"}),
        "authority": ("广东省数据局", {"DATA_AUTHORITY"}),
    }
    people = {name: await served.admit(*seat, login=prefix + name) for name, seat in seats.items()}
    desks = {name: Desk(http, one.login, one.org_id, token=served.token(one)) for name, one in people.items()}
    made = await desks["grid"].act("/voucher-types", TYPE)
    await desks["authority"].act(f"/voucher-types/{made['type_id']}/decide", {"approve": True})
    await desks["grid"].act("/voucher-issuers", {})
    return Loan(served, people, desks, made["type_id"])
