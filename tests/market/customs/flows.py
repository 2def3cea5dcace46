"""Declarations and documents as tests begin with them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from market.customs.declared import (
    Channel,
    DataField,
    Declaration,
    Kind,
    Mode,
    Recipient,
)
from market.customs.proving import DocumentKind, OnRegister, Shown
from market.customs.routing import Counts, Facts
from registry.rules import Level

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday, nine o'clock in Shanghai
PLAIN: Final = DataField(name="weekday")
PERSONAL: Final = DataField(name="phone", personal=True, level=Level.GENERAL_3)
SENSITIVE: Final = DataField(name="id_card", personal=True, sensitive=True, level=Level.GENERAL_4)
CONTRACT_SHA: Final = "c" * 64
ATTACHED: Final = {"contract": "1" * 64, "pipia": "2" * 64, "consent": "3" * 64}


def flow(persons: int = 0, sensitive: int = 0, **changes: Any) -> Declaration:
    """A flow of so many persons to Singapore."""
    fields = (PLAIN, *((PERSONAL,) if persons or sensitive else ()), *((SENSITIVE,) if sensitive else ()))
    level = Level.GENERAL_4 if sensitive else Level.GENERAL_3 if persons else Level.GENERAL_1
    said = Declaration(
        kind=Kind.ORDINARY,
        recipient=Recipient(name="Lion City Analytics", country="SG", contact="privacy@lion.example"),
        purpose="fraud model",
        necessity="the model is trained there",
        fields=fields,
        level=level,
        persons=persons,
        sensitive_persons=sensitive,
        volume_bytes=1_000_000,
        volume_uses=10,
        mode=Mode.FILE,
        channel=Channel.DEDICATED,
        storage_place="SG",
        retention_months=12,
        period_from=date(2026, 11, 16),
        period_to=date(2027, 11, 15),
        industry="J66",
        scenario="risk-control",
    )
    return replace(said, **changes)


def facts(persons: int = 0, sensitive: int = 0, **changes: Any) -> Facts:
    """What the exchange holds: a group whose counters stand at these, with the declaration in them."""
    known = Facts(
        at=NOW,
        exporter_region="440100",
        recipient_region="SG",
        is_ciio=False,
        level=Level.GENERAL_3,
        counts=Counts(persons=persons, sensitive=sensitive),
    )
    return replace(known, **changes)


def document(exporter_id: str = "org_a", **changes: Any) -> OnRegister:
    """A standard contract that was filed in time."""
    kept = OnRegister(
        kind=DocumentKind.STANDARD_CONTRACT,
        number="GD-SC-2026-0001",
        exporter_ids=frozenset({exporter_id}),
        recipient_name="Lion City Analytics",
        country="SG",
        sensitive=True,
        persons=500_000,
        sha256=CONTRACT_SHA,
        issued_on=date(2026, 11, 2),
        filed_on=date(2026, 11, 16),
        valid_until=date(2028, 11, 1),
    )
    return replace(kept, **changes)


def shown(**changes: Any) -> Shown:
    """What the exporter shows for it."""
    made = Shown(
        kind=DocumentKind.STANDARD_CONTRACT,
        number="GD-SC-2026-0001",
        sha256=CONTRACT_SHA,
        attached=ATTACHED,
        pipia_on=date(2026, 10, 30),
    )
    return replace(made, **changes)
