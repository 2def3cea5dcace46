"""What the supervisors do with a finding: a case, flags, an order, and a refusal at the very next act."""

from collections.abc import Callable
from typing import Any

from base.errors import Refusal
from brokers.repository import certificates_of
from cases.intake import triage_case, verify_report
from cases.ordering import confirm_order, propose_order
from cases.rules import Measure
from cases.service import file_case, open_case
from cli.demo.ring import Ring
from cli.demo.world import World
from market.orders.service import inquire


async def act_on(world: World, report: dict[str, Any], ring: Ring, tell: Callable[[str], None]) -> None:
    """Open a case on the ring's closed loop, suspend its broker's certificate, and try the broker again."""
    loops = [finding for finding in report["findings"] if finding["rule_id"] == "WT2"]
    if not loops:
        raise RuntimeError("the ring was not found")
    samr, authority = world.members["samr"], world.members["authority"]
    case = await samr.do(
        file_case, "SAMR", about=loops[0]["finding_id"], attempted="CSE.FILE", finding=loops[0]
    )
    for login in ("samr-2", "samr-3"):  # who decides has had no part in the case before
        await world.enrol(samr, login)
    for verb, event, person in (
        (triage_case, "CSE.TRIAGE", 0),
        (verify_report, "CSE.VERIFY", 0),
        (open_case, "CSE.OPEN_CASE", 1),
    ):
        await samr.do(verb, "SAMR", about=case.case_id, attempted=event, person=person, case_id=case.case_id)
    tell(f"SAMR verifies the closed loop and opens case {case.case_id[:12]}…: two officers; trades flagged")
    async with world.node.database.read() as s:
        certificate = (await certificates_of(s, org_id=ring.broker.org_id))[0]
    await world.enrol(authority, "authority-2")
    proposed = await authority.do(
        propose_order,
        "DATA_AUTHORITY",
        about=case.case_id,
        attempted="ORD.PROPOSE",
        person=0,
        case_id=case.case_id,
        measure=Measure.SUSPEND_CERTIFICATE,
        object_id=certificate.cert_id,
        reason_code="SUSPECTED_WASH_TRADING",
    )
    await authority.do(
        confirm_order,
        "DATA_AUTHORITY",
        about=proposed.order_id,
        attempted="BRK.SUSPEND",
        person=1,
        order_id=proposed.order_id,
    )
    tell(f"two officers of the data authority suspend certificate {certificate.cert_no} by signed order")
    buyer, listing_id = ring.members[1], ring.deals[0].stall.listing_id
    try:
        await buyer.do(
            inquire,
            "BUYER",
            about=listing_id,
            attempted="TRD.INQUIRE",
            listing_id=listing_id,
            purpose="再次撮合",
            scenario="内部使用",
            quantity=1,
            broker_id=ring.broker.org_id,
        )
    except Refusal as refusal:
        tell(f"the broker's next trade is refused: {refusal.code} ({refusal.rule_id}), and recorded")
        return
    raise RuntimeError("a suspended broker was let through")
