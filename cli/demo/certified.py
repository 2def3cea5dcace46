"""SC-2: a factory's use of electricity, told to one bank for one purpose, in ranges alone."""

from collections.abc import Mapping
from typing import Any, Final

from cli.demo.public import Public, sha256
from registry.vouchers.document import data_digest

_CREDIT: Final = "CREDIT_APPROVAL"
_READINGS: Final = tuple(128_457 + 913 * month % 7_919 for month in range(24))
_TYPE: Final[Mapping[str, Any]] = {
    "code": "ELEC-CREDIT",
    "name": "用电信用凭证（信贷）",
    "scenario": "CREDIT",
    "mode": "RANGES",
    "purposes": [_CREDIT],
    "items": [
        {"code": "MONTHLY_USE", "name": "月用电量区间", "form": "RANGE", "unit": "kWh"},
        {"code": "IN_ARREARS", "name": "是否欠费", "form": "FACT"},
    ],
    "max_level": "general-3",
    "min_quality_tenths": 900,
    "max_months": 36,
    "max_uses": 5,
}


async def certify(room: Public) -> None:
    """SC-2: a factory's use of electricity, told to one bank for one purpose, in ranges alone."""
    made = await room.post("grid", "/voucher-types", _TYPE)
    await room.post("authority", f"/voucher-types/{made['type_id']}/decide", {"approve": True})
    await room.post("grid", "/voucher-issuers", {})
    reference = "信贷审批 2026-LN-0815"
    asked = {
        "type_id": made["type_id"],
        "subject_id": room.org("factory"),
        "user_id": room.org("bank"),
        "provider_id": room.org("grid"),
        "purpose": _CREDIT,
        "reference": reference,
        "items": [item["code"] for item in _TYPE["items"]],
        "max_uses": 3,
        "period_from": "2024-08",
        "period_to": "2026-07",
    }
    voucher_id: str = (await room.post("bank", "/vouchers", asked))["voucher_id"]
    path = f"/vouchers/{voucher_id}"
    await room.post("factory", f"{path}/authorise", {})
    told = {"source_department": "市场营销部", "level": "general-3"}
    digest = data_digest([str(reading) for reading in _READINGS], sha256("nonce of the readings"))
    items = [
        {"item": "MONTHLY_USE", "low": "120000", "high": "140000"} | told,
        {"item": "IN_ARREARS", "holds": False} | told,
    ]
    await room.post(
        "grid", f"{path}/generate", {"items": items, "data_sha256": digest, "quality_tenths": 976}
    )
    await room.post("factory", f"{path}/store", {})
    await room.post("factory", f"{path}/present", {})
    shown = (await room.people["bank"].fetch(f"{path}/presentation")).decode()
    said = {"presentation": shown, "purpose": _CREDIT, "reference": reference}
    counted = await room.post("bank", f"{path}/verify", said)
    code = await room.refused("bank", f"{path}/verify", said | {"purpose": "MARKETING"})
    room.ids["voucher"] = voucher_id
    what = f"verifies the certificate, use {counted['number']} of 3; for marketing it is refused: {code}"
    room.note(what, "bank", voucher_id, "CRT.VERIFY")
