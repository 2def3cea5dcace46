"""Certificates and mandates as they are decided, and what every act of a broker meets (BR1, BR2)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.errors import Malformed
from base.jobs import run_due
from brokers.certifying import EXPIRE_JOB, years_after
from brokers.errors import (
    BrokerBarred,
    BrokerNotCertified,
    BrokerRoleMissing,
    CertificateBeyondGrade,
    CertificateNumberTaken,
    CertificateOverlaps,
    CertificateTermWrong,
    CertificateUnknown,
    CertificateWrongRole,
    CertificateWrongState,
    CommissionAboveCap,
    DecidedSince,
    MandateUnknown,
    MandateWrongRole,
    MandateWrongState,
    NoActiveMandate,
    SelfDealing,
)
from brokers.mandates.repository import terms_of
from brokers.repository import certificates_of, get_certificate, get_mandate, history_of, mandates_of
from brokers.rules import BrokerType, CertificateState, MandateState, Side
from brokers.service import (
    Basis,
    CertificateScope,
    accept_mandate,
    certify,
    expire_certificate,
    first_mandate,
    reinstate_certificate,
    require_certified,
    require_mandate,
    revoke_certificate,
    revoke_mandate,
    sign_mandate,
    suspend_certificate,
)
from brokers.tables import CertificateRow, MandateRow
from identity.errors import MemberNotActive
from ledger.recording import Act
from ledger.tables import StatementRow
from registry.rules import Level
from tests.copies import Copies, quick_folder
from tests.houses import Party, TestHouse, make_house
from tests.identity.unmoved import statements
from tests.market.trade.scene import moved
from tests.standstill import refused, untouched

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
FROM = datetime(2026, 1, 1, tzinfo=UTC)
TO = datetime(2028, 6, 30, 15, 59, 59, tzinfo=UTC)
ENDS = datetime(2027, 6, 30, tzinfo=UTC)
SCOPE = CertificateScope(
    broker_type=BrokerType.MANDATE, grade=2, sectors=("energy", "transport"), max_level=Level.GENERAL_2
)
LISTING = "lst_00000000000000000000000001"


@dataclass
class Guild:
    """An authority, a broker to be certified, and a client on each side."""

    house: TestHouse
    clock: SimulatedClock
    authority: Party
    broker: Party
    seller: Party
    buyer: Party
    other: Party

    def on(self, database: Database) -> "Guild":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("authority", "broker", "seller", "buyer", "other")
        people = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **people)

    @property
    def database(self) -> Database:
        return self.house.database

    async def certify(self, broker: Party | None = None, **changes: Any) -> CertificateRow:
        org_id = (broker or self.broker).org_id
        said = {"cert_no": "GD-DB-M-2-0001", "scope": SCOPE, "valid_from": FROM, "valid_to": TO} | changes
        who = said.pop("who", self.authority)
        return await who.do(certify, attempted="BRK.CERTIFY", object_id=org_id, org_id=org_id, **said)

    async def discipline(self, verb: Any, cert_id: str, who: Party | None = None) -> CertificateRow:
        self.clock.advance(timedelta(seconds=1))  # the same words at the same moment are one statement
        return await (who or self.authority).do(
            verb, object_id=cert_id, cert_id=cert_id, reason_code="ANNUAL_FAIL"
        )

    async def sign(
        self, client: Party | None = None, side: Side = Side.PROVIDER, **changes: Any
    ) -> MandateRow:
        said = {
            "broker_id": self.broker.org_id,
            "side": side,
            "listing_id": None,
            "scope": "negotiate",
            "fee_bp": 200,
            "ends_at": ENDS,
        }
        role = changes.pop("role", side.value)
        return await (client or self.seller).do(
            sign_mandate, role=role, attempted="MND.SIGN", object_id=self.broker.org_id, **(said | changes)
        )

    async def accept(self, mandate_id: str, who: Party | None = None, role: str = "BROKER") -> MandateRow:
        async with self.database.read() as s:
            terms = await terms_of(s, mandate_id=mandate_id)
        return await (who or self.broker).do(
            accept_mandate,
            role=role,
            attempted="MND.ACCEPT",
            object_id=mandate_id,
            mandate_id=mandate_id,
            document_sha256=None if terms is None else terms.document_sha256,
        )

    async def take_back(
        self, mandate_id: str, who: Party | None = None, role: str | None = None
    ) -> MandateRow:
        return await (who or self.seller).do(
            revoke_mandate, attempted="MND.REVOKE", object_id=mandate_id, mandate_id=mandate_id
        )

    async def require(self, **changes: Any) -> CertificateRow:
        """What an act of the broker asks first."""
        asked = {
            "org_id": self.broker.org_id,
            "at": self.clock.now(),
            "sector": "energy",
            "level": Level.GENERAL_2,
        }

        async def bound(s: WriteSession, act: Act) -> CertificateRow:
            del act
            return await require_certified(s, **(asked | changes))

        return await self.broker.do(bound, attempted="TRD.OFFER", object_id="trd_1")

    async def require_mandate(self, client: Party, side: Side, **changes: Any) -> MandateRow:
        asked = {"listing_id": LISTING, "at": self.clock.now()} | changes

        async def bound(s: WriteSession, act: Act) -> MandateRow:
            del act
            return await require_mandate(
                s, broker_id=self.broker.org_id, client_id=client.org_id, side=side, **asked
            )

        return await self.broker.do(bound, attempted="TRD.OFFER", object_id="trd_1")


async def make_guild(database: Database) -> Guild:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    return Guild(
        house,
        clock,
        await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"}),
        await house.admit("珠江数据经纪", {"BROKER"}),
        await house.admit("粤能数科", {"PROVIDER"}),
        await house.admit("湾区普惠银行", {"BUYER"}),
        await house.admit("另一数据经纪", {"BROKER"}),
    )


@pytest.fixture(scope="session")
def guilds() -> Iterator[Copies[Guild]]:
    with quick_folder() as folder:
        yield Copies(folder, "guild", make_guild)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def guild(request, guilds) -> AsyncIterator[Guild]:
    """The guild on a fresh database of each kind."""
    if request.param == "sqlite":
        opened = guilds.on_sqlite(request.getfixturevalue("sqlite_template"))
    else:
        opened = guilds.on_postgresql(request.getfixturevalue("postgres"))
    async with opened as (database, made):
        yield made.on(database)


async def test_a_certificate_is_entered_suspended_reinstated_and_revoked_each_with_its_statement(guild):
    cert = await guild.certify()
    for verb in (suspend_certificate, reinstate_certificate, suspend_certificate, revoke_certificate):
        await guild.discipline(verb, cert.cert_id)
    said = [s["predicate"] for s in await statements(guild.database)]
    said = [one for one in said if one["event"].startswith("BRK.")]
    assert [(one["event"], one.get("from"), one["to"]) for one in said] == [
        ("BRK.CERTIFY", None, "ACTIVE"),
        ("BRK.SUSPEND", "ACTIVE", "SUSPENDED"),
        ("BRK.REINSTATE", "SUSPENDED", "ACTIVE"),
        ("BRK.SUSPEND", "ACTIVE", "SUSPENDED"),
        ("BRK.REVOKE", "SUSPENDED", "REVOKED"),
    ]
    assert {one["actor"] for one in said} == {guild.authority.org_id}
    assert {one["role"] for one in said} == {"DATA_AUTHORITY"}
    assert said[0] | {"occurred_at": ""} == {
        "object": cert.cert_id,
        "event": "BRK.CERTIFY",
        "to": "ACTIVE",
        "actor": guild.authority.org_id,
        "role": "DATA_AUTHORITY",
        "occurred_at": "",
        "clock": "simulated",
        "cert_id": cert.cert_id,
        "cert_no": "GD-DB-M-2-0001",
        "org_id": guild.broker.org_id,
        "broker_type": "M",
        "grade": 2,
        "sectors": ["energy", "transport"],
        "max_level": "general-2",
        "cross_border": False,
        "valid_from": "2026-01-01T00:00:00.000Z",
        "valid_to": "2028-06-30T15:59:59.000Z",
    }
    assert said[1]["reason_code"] == "ANNUAL_FAIL"
    async with guild.database.read() as s:
        history = await history_of(s, cert_id=cert.cert_id)
        assert sorted(step.event for step in history) == [
            "CERTIFY",
            "REINSTATE",
            "REVOKE",
            "SUSPEND",
            "SUSPEND",
        ]
        assert (await get_certificate(s, cert_id=cert.cert_id)).status is CertificateState.REVOKED


async def test_an_order_in_a_case_names_the_case(guild):
    cert = await guild.certify()
    await guild.authority.do(
        suspend_certificate, cert_id=cert.cert_id, reason_code="WT1", case_id="cse_1", object_id=cert.cert_id
    )
    (said,) = await statements(guild.database, "BRK.SUSPEND")
    assert said["predicate"]["case_id"] == "cse_1"


async def test_a_certificate_wider_than_its_grade_is_refused_and_not_entered(guild):
    for wider in ({"max_level": Level.GENERAL_4}, {"cross_border": True}, {"grade": 4}):
        async with refused(guild.database, CertificateBeyondGrade):
            await guild.certify(scope=replace(SCOPE, **wider))


async def test_only_the_authority_certifies_and_only_who_was_admitted_as_a_broker(guild):
    async with refused(guild.database, CertificateWrongRole):
        await guild.certify(who=guild.house.operator)
    async with refused(guild.database, BrokerRoleMissing):
        await guild.certify(guild.seller)
    async with refused(guild.database, MemberNotActive):
        await guild.authority.do(
            certify, object_id="org_x", org_id="org_x", cert_no="X", scope=SCOPE, valid_from=FROM, valid_to=TO
        )


async def test_a_certificate_without_form_leaves_no_trace_at_all(guild):
    async with untouched(guild.database, Malformed):
        await guild.certify(valid_to=FROM)
    async with untouched(guild.database, Malformed):
        await guild.certify(scope=replace(SCOPE, sectors=()))


async def test_a_number_belongs_to_one_certificate(guild):
    await guild.certify()
    async with refused(guild.database, CertificateNumberTaken):
        await guild.certify(guild.other)
    await guild.certify(guild.other, cert_no="GD-DB-M-2-0002")


async def test_no_second_certificate_stands_beside_one_that_is_in_force_or_suspended(guild):
    cert = await guild.certify()
    async with refused(guild.database, CertificateOverlaps):
        await guild.certify(cert_no="GD-DB-M-2-0002", valid_from=TO, valid_to=TO + timedelta(days=365))
    await guild.discipline(suspend_certificate, cert.cert_id)
    async with refused(guild.database, CertificateOverlaps):
        await guild.certify(cert_no="GD-DB-M-2-0002")
    async with refused(guild.database, CertificateOverlaps):  # it does not expire before it is decided on
        await guild.certify(
            cert_no="GD-DB-M-2-0002",
            valid_from=TO + timedelta(seconds=1),
            valid_to=TO + timedelta(days=365),
        )
    async with refused(guild.database, BrokerNotCertified) as caught:
        await guild.require()
    assert (caught.value.facts["reason"], caught.value.facts["cert_id"]) == ("state", cert.cert_id)


async def test_two_certificates_at_once_for_one_broker_are_one(guild):
    answers = await asyncio.gather(
        guild.certify(), guild.certify(cert_no="GD-DB-M-2-0002"), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CertificateOverlaps", "CertificateRow"]
    async with guild.database.read() as s:
        assert len(await certificates_of(s, org_id=guild.broker.org_id)) == 1


async def test_a_revocation_bars_the_broker_for_three_years(guild):
    cert = await guild.certify()
    await guild.discipline(suspend_certificate, cert.cert_id)
    await guild.discipline(revoke_certificate, cert.cert_id)
    again = {"cert_no": "GD-DB-M-2-0002", "valid_from": TO, "valid_to": TO + timedelta(days=1000)}
    barred_until = years_after(guild.clock.now(), 3)
    guild.clock.move_to(barred_until - timedelta(seconds=1))
    async with refused(guild.database, BrokerBarred):
        await guild.certify(**again)
    guild.clock.move_to(barred_until)
    assert (await guild.certify(**again)).status is CertificateState.ACTIVE


def test_three_years_after_a_leap_day():
    assert years_after(datetime(2028, 2, 29, tzinfo=UTC), 3) == datetime(2031, 2, 28, tzinfo=UTC)


async def test_each_step_that_a_certificate_does_not_take_is_refused(guild):
    cert = await guild.certify()
    verbs = {
        CertificateState.ACTIVE: (reinstate_certificate, revoke_certificate),
        CertificateState.SUSPENDED: (suspend_certificate,),
        CertificateState.REVOKED: (suspend_certificate, reinstate_certificate, revoke_certificate),
    }
    for state, way in (
        (CertificateState.ACTIVE, suspend_certificate),
        (CertificateState.SUSPENDED, revoke_certificate),
        (CertificateState.REVOKED, None),
    ):
        for verb in verbs[state]:
            async with refused(guild.database, CertificateWrongState):
                await guild.discipline(verb, cert.cert_id)
        if way is not None:
            async with refused(guild.database, CertificateWrongRole):
                await guild.discipline(way, cert.cert_id, guild.seller)
            await guild.discipline(way, cert.cert_id)
    async with untouched(guild.database, CertificateUnknown):
        await guild.discipline(suspend_certificate, "crt_unknown")


async def test_a_suspended_certificate_refuses_the_very_next_act_and_a_reinstated_one_does_not(guild):
    cert = await guild.certify()
    first, second = await guild.sign(), await guild.sign(listing_id=LISTING)
    assert (await guild.accept(first.mandate_id)).status is MandateState.ACTIVE
    await guild.discipline(suspend_certificate, cert.cert_id)
    async with refused(guild.database, BrokerNotCertified) as caught:
        await guild.accept(second.mandate_id)
    assert caught.value.rule_id == "BR1"
    assert caught.value.facts["reason"] == "state"
    (said,) = await statements(guild.database, "REF.REFUSE")
    assert said["predicate"]["attempted"] == "MND.ACCEPT"
    assert said["predicate"]["object"] == second.mandate_id
    assert said["predicate"]["refused"] == guild.broker.org_id
    assert said["predicate"]["rule_id"] == "BR1"
    await guild.discipline(reinstate_certificate, cert.cert_id)
    assert (await guild.accept(second.mandate_id)).status is MandateState.ACTIVE


async def test_a_certificate_covers_its_sectors_levels_and_days_and_nothing_else(guild):
    await guild.certify()
    assert (await guild.require()).cert_no == "GD-DB-M-2-0001"
    for asked, reason in (
        ({"sector": "finance"}, "sector"),
        ({"level": Level.GENERAL_3}, "level"),
        ({"cross_border": True}, "cross-border"),
        ({"at": FROM - timedelta(seconds=1)}, "not-yet-valid"),
        ({"at": TO + timedelta(seconds=1)}, "expired"),
        ({"org_id": "org_unknown"}, "none"),
    ):
        async with refused(guild.database, BrokerNotCertified) as caught:
            await guild.require(**asked)
        assert caught.value.facts["reason"] == reason


async def test_the_clock_ends_a_certificate_once(guild):
    cert = await guild.certify()

    async def on_expiry(s: Any, job: Any) -> None:
        await expire_certificate(s, guild.house.house.exchange_act(), cert_id=job.payload["cert_id"])

    async with guild.database.write() as s:
        assert not await expire_certificate(s, guild.house.house.exchange_act(), cert_id=cert.cert_id)
    for at, status in ((TO, "ACTIVE"), (TO + timedelta(milliseconds=1), "EXPIRED")):
        guild.clock.move_to(at)
        await run_due(guild.database, at, {EXPIRE_JOB: on_expiry})
        async with guild.database.read() as s:
            assert (await get_certificate(s, cert_id=cert.cert_id)).status.value == status
    async with guild.database.write() as s:
        assert not await expire_certificate(s, guild.house.house.exchange_act(), cert_id=cert.cert_id)
    (said,) = await statements(guild.database, "BRK.EXPIRE")
    assert said["predicate"]["role"] == "EXCHANGE_OPERATOR"
    assert said["predicate"]["from"] == "ACTIVE"


async def test_a_mandate_is_signed_accepted_and_taken_back(guild):
    await guild.certify()
    mandate = await guild.sign(dual_consent=True)
    assert mandate.status is MandateState.SIGNED
    await guild.accept(mandate.mandate_id)
    await guild.take_back(mandate.mandate_id)
    said = [s["predicate"] for s in await statements(guild.database)]
    said = [one for one in said if one["event"].startswith("MND.")]
    assert [(one["event"], one.get("from"), one["to"], one["actor"]) for one in said] == [
        ("MND.SIGN", None, "SIGNED", guild.seller.org_id),
        ("MND.ACCEPT", "SIGNED", "ACTIVE", guild.broker.org_id),
        ("MND.REVOKE", "ACTIVE", "REVOKED_BY_CLIENT", guild.seller.org_id),
    ]
    assert all("fee_bp" not in one and "opening" in one for one in said)
    async with guild.database.read() as s:
        assert [row.mandate_id for row in await mandates_of(s, org_id=guild.broker.org_id)] == [
            mandate.mandate_id
        ]


async def test_a_mandate_that_may_not_be_given_is_refused(guild):
    async with refused(guild.database, CommissionAboveCap) as caught:
        await guild.sign(fee_bp=501)
    assert caught.value.rule_id == "BR7"
    async with refused(guild.database, MandateWrongRole):  # a provider does not mandate for the buyer's side
        await guild.sign(side=Side.BUYER, role="PROVIDER")
    async with refused(guild.database, SelfDealing):
        await guild.sign(broker_id=guild.seller.org_id)
    async with refused(guild.database, MemberNotActive):
        await guild.sign(broker_id="org_unknown")
    for changes in ({"ends_at": guild.clock.now()}, {"scope": " "}, {"fee_bp": -1}):
        async with untouched(guild.database, Malformed):
            await guild.sign(**changes)


async def test_a_mandate_is_between_its_two_parties(guild):
    await guild.certify()
    mandate = await guild.sign()
    async with refused(guild.database, MandateWrongRole):
        await guild.accept(mandate.mandate_id, guild.other)
    async with refused(guild.database, MandateWrongRole):
        await guild.take_back(mandate.mandate_id, guild.buyer)
    async with refused(guild.database, MandateWrongRole):  # the client accepts nothing in the broker's place
        await guild.accept(mandate.mandate_id, guild.seller, role="PROVIDER")
    async with untouched(guild.database, MandateUnknown):
        await guild.accept("mnd_unknown")


async def test_each_step_that_a_mandate_does_not_take_is_refused(guild):
    await guild.certify()
    mandate = await guild.sign()
    await guild.accept(mandate.mandate_id)
    async with refused(guild.database, MandateWrongState):
        await guild.accept(mandate.mandate_id)
    await guild.take_back(mandate.mandate_id)
    for again in (guild.accept, guild.take_back):
        async with refused(guild.database, MandateWrongState):
            await again(mandate.mandate_id)
    late = await guild.sign()
    guild.clock.move_to(ENDS + timedelta(seconds=1))
    async with refused(guild.database, MandateWrongState):
        await guild.accept(late.mandate_id)


async def test_a_broker_acts_only_under_a_mandate_in_force(guild):
    await guild.certify()
    async with refused(guild.database, NoActiveMandate) as caught:
        await guild.require_mandate(guild.seller, Side.PROVIDER)
    assert (caught.value.rule_id, caught.value.facts["reason"]) == ("BR2", "none")
    signed = await guild.sign()
    async with refused(guild.database, NoActiveMandate) as caught:
        await guild.require_mandate(guild.seller, Side.PROVIDER)
    assert caught.value.facts["reason"] == "state"
    await guild.accept(signed.mandate_id)
    assert (await guild.require_mandate(guild.seller, Side.PROVIDER)).mandate_id == signed.mandate_id
    for client, side in ((guild.seller, Side.BUYER), (guild.buyer, Side.BUYER)):
        async with refused(guild.database, NoActiveMandate):
            await guild.require_mandate(client, side)
    guild.clock.move_to(ENDS + timedelta(seconds=1))
    async with refused(guild.database, NoActiveMandate) as caught:
        await guild.require_mandate(guild.seller, Side.PROVIDER)
    assert caught.value.facts["reason"] == "ended"


async def test_the_mandate_that_covers_most_is_taken(guild):
    await guild.certify()
    general = await guild.sign(ends_at=ENDS + timedelta(days=30))
    exact = await guild.sign(listing_id=LISTING, fee_bp=100)
    other = await guild.sign(listing_id="lst_other", fee_bp=50)
    for mandate in (general, exact, other):
        await guild.accept(mandate.mandate_id)
    assert (await guild.require_mandate(guild.seller, Side.PROVIDER)).mandate_id == exact.mandate_id
    guild.clock.move_to(ENDS + timedelta(days=1))  # the exact one has ended
    assert (await guild.require_mandate(guild.seller, Side.PROVIDER)).mandate_id == general.mandate_id


async def test_the_first_client_with_a_mandate_is_the_one_the_broker_acts_for(guild):
    await guild.certify()
    clients = [(Side.BUYER, guild.buyer.org_id), (Side.PROVIDER, guild.seller.org_id)]

    async def bound(s: WriteSession, act: Act) -> MandateRow:
        return await first_mandate(
            s, broker=guild.broker.org_id, clients=clients, listing_id=LISTING, at=act.now
        )

    async with refused(guild.database, NoActiveMandate):
        await guild.broker.do(bound)
    sold = await guild.sign()
    await guild.accept(sold.mandate_id)
    assert (await guild.broker.do(bound)).mandate_id == sold.mandate_id
    bought = await guild.sign(guild.buyer, Side.BUYER)
    await guild.accept(bought.mandate_id)
    assert (await guild.broker.do(bound)).mandate_id == bought.mandate_id


async def test_no_act_is_recorded_after_the_suspension_it_should_have_seen(guild):
    cert = await guild.certify()
    mandates = [await guild.sign() for _ in range(4)]
    answers = await asyncio.gather(
        *(guild.accept(mandate.mandate_id) for mandate in mandates[:2]),
        guild.discipline(suspend_certificate, cert.cert_id),
        *(guild.accept(mandate.mandate_id) for mandate in mandates[2:]),
        return_exceptions=True,
    )
    assert isinstance(answers[2], CertificateRow)
    async with guild.database.read() as s:
        order = (await s.exec(select(StatementRow.event).order_by(col(StatementRow.id)))).all()
        accepted = [(await get_mandate(s, mandate_id=m.mandate_id)).status for m in mandates]
    accepts = [n for n, event in enumerate(order) if event == "MND.ACCEPT"]
    assert all(n < order.index("BRK.SUSPEND") for n in accepts)
    assert accepted.count(MandateState.FROZEN) == len(accepts)  # with the certificate, in its transaction
    assert accepted.count(MandateState.ACTIVE) == 0
    rest = [a for n, a in enumerate(answers) if n != 2 and not isinstance(a, MandateRow)]
    assert len(rest) == 4 - len(accepts)
    assert all(isinstance(answer, BrokerNotCertified) for answer in rest)


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid_to": datetime(2029, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)},  # three years and a moment
        {"valid_from": NOW + timedelta(milliseconds=1)},
        {"basis": Basis(decided_on=date(2026, 1, 2), decision_sha256="de" * 32)},  # begun before its decision
    ],
    ids=["long", "later", "before"],
)
async def test_a_certificate_of_before_has_a_certificates_term(guild, wrong):
    begun = Basis(decided_on=date(2026, 1, 1), decision_sha256="de" * 32)
    async with refused(guild.database, CertificateTermWrong):
        await guild.certify(**({"basis": begun} | wrong))
    await guild.certify(basis=begun, valid_to=datetime(2029, 1, 1, tzinfo=UTC))


async def test_what_is_decided_since_the_exchange_is_there_is_applied_for(guild):
    """The day after the founding is too late; the decision's day and digest are on the ledger."""
    founded = NOW.date()
    digest = "de" * 32
    async with refused(guild.database, DecidedSince):
        await guild.certify(basis=Basis(decided_on=founded + timedelta(days=1), decision_sha256=digest))
    await guild.certify(basis=Basis(decided_on=founded, decision_sha256=digest), valid_from=NOW)
    said = (await statements(guild.database))[-1]["predicate"]
    assert (said["event"], said["decided_on"], said["decision_sha256"]) == (
        "BRK.CERTIFY",
        "2026-11-16",
        digest,
    )
