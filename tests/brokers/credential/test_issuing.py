"""The authority's issuing key, the credential of a certificate, and its list: on both databases."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select, update

from base.canonical import canonical, sha256_hex
from base.clock import SimulatedClock, rfc3339
from base.credential.checking import Finding, Pin
from base.credential.status import PURPOSES, Purpose, begun
from base.credential.verdicts import Verdict
from base.jobs import run_due
from brokers.certifying import reinstate_certificate, revoke_certificate, suspend_certificate
from brokers.continuing import give_exit_notice
from brokers.credential import repository
from brokers.credential.errors import IssuerRetired, StatusListFull, StatusListUnknown
from brokers.credential.issuing import (
    Desk,
    appoint_issuer,
    credential_handlers,
    follow_step,
    issue_credential,
    signed_list,
)
from brokers.credential.tables import CredentialRow, StatusPlaceRow
from brokers.credential.verifying import verify
from brokers.errors import CertificateWrongRole
from brokers.rules import BrokerType, CertificateEvent, CertificateState
from brokers.service import CertificateScope, certify
from brokers.tables import AnnualRow, CertificateRow
from ledger.reader import statements_of
from ledger.sequencer import create_log, seal_all
from registry.rules import Level
from tests.brokers.credential.stranger import strangers_proof
from tests.houses import Party, TestHouse, make_house
from tests.identity.unmoved import statements

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
URL = "https://exchange.example"
SCOPE = CertificateScope(
    broker_type=BrokerType.MANDATE, grade=2, sectors=("energy",), max_level=Level.GENERAL_2
)


@dataclass
class Office:
    """An authority, a broker, and the desk where credentials are written."""

    house: TestHouse
    clock: SimulatedClock
    desk: Desk
    authority: Party
    broker: Party
    numbers: int = 0

    async def appointed(self) -> Any:
        return await self.authority.do(appoint_issuer, attempted="CRD.APPOINT", safe=self.desk.safe)

    async def certified(self, broker: Party | None = None) -> CertificateRow:
        self.numbers += 1
        made: CertificateRow = await self.authority.do(
            certify,
            org_id=(broker or self.broker).org_id,
            cert_no=f"GD-DB-M-2-2026-{self.numbers:04d}",
            scope=SCOPE,
            valid_from=NOW - timedelta(days=1),
            valid_to=NOW + timedelta(days=1000),
        )
        return made

    async def settled(self) -> None:
        """Seal what was said, and do what is due; twice, as what waits for a number is asked again."""
        for _ in range(2):
            await seal_all(self.house.database, self.clock)
            handlers = credential_handlers(self.house.house, self.desk)
            await run_due(self.house.database, self.clock.now(), handlers)
            self.clock.advance(timedelta(seconds=2))

    async def credential(self, certificate: CertificateRow) -> CredentialRow | None:
        async with self.house.database.read() as s:
            return await repository.credential_of(s, cert_id=certificate.cert_id)

    async def list_now(self, number: int = 1, purposes: tuple[Purpose, ...] = PURPOSES) -> bytes:
        async with self.house.database.read() as s:
            signed = await signed_list(s, self.desk, number=number, now=self.clock.now(), purposes=purposes)
        return canonical(signed)

    async def seen(self, row: CredentialRow | bytes) -> Finding:
        """What a stranger thinks of it now, with the list of this moment."""
        async with self.house.database.read() as s:
            pins = [Pin(one.did, one.since, one.retired_at) for one in await repository.issuers(s)]
        raw = row if isinstance(row, bytes) else row.document
        assert raw is not None
        return verify(raw, [await self.list_now()], pins, at=self.clock.now())


@pytest.fixture
async def office(database, clock) -> Office:
    house = await make_house(database, clock)
    async with database.write() as s:
        await create_log(s, origin="exchange.example/test", at=clock.now())
    authority = await house.admit("广东省数据管理局", {"DATA_AUTHORITY"})
    broker = await house.admit("珠江数据经纪", {"BROKER"})
    return Office(house, clock, Desk(house.safe, URL), authority, broker)


async def test_a_certificate_gets_its_credential_once_the_ledger_has_numbered_it(office):
    issuer = await office.appointed()
    certificate = await office.certified()
    handlers = credential_handlers(office.house.house, office.desk)
    await run_due(office.house.database, office.clock.now(), handlers)
    assert await office.credential(certificate) is None  # nothing is sealed yet
    await office.settled()

    row = await office.credential(certificate)
    assert row is not None
    assert row.document is not None
    assert row.sha256 == sha256_hex(row.document)
    document = orjson.loads(row.document)
    assert document["issuer"] == issuer.did
    assert document["id"] == f"{URL}/credentials/{row.credential_id}"
    assert document["credentialSubject"]["certificateNumber"] == "GD-DB-M-2-2026-0001"
    assert document["credentialSubject"]["name"] == "珠江数据经纪"
    async with office.house.database.read() as s:
        said = await statements_of(s, object_id=certificate.cert_id)
        kept = (await s.exec(select(StatusPlaceRow))).all()
    assert [one.event for one in said] == ["BRK.CERTIFY", "CRD.ISSUE"]
    assert document["credentialSubject"]["ledgerEntry"]["seq"] == said[0].seq
    assert document["credentialSubject"]["ledgerEntry"]["statement"] == f"sha256:{said[0].envelope_sha256}"
    digests = {one["name"]: one["digest"]["sha256"] for one in said[1].payload["subject"]}
    assert digests["credential"] == row.sha256
    assert {place.purpose: str(place.place) for place in kept} == {
        entry["statusPurpose"]: entry["statusListIndex"] for entry in document["credentialStatus"]
    }
    found = await office.seen(row)
    assert (found.verdict, found.subject["uscc"]) == (Verdict.VALID, office.broker.organisation.uscc)


async def test_what_is_suspended_is_in_the_next_list_and_what_is_reinstated_is_not(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    row = await office.credential(certificate)
    before = await office.list_now()
    assert await office.list_now() == before  # each worker makes the same bytes

    named = {"cert_id": certificate.cert_id, "reason_code": "MISCONDUCT"}
    await office.authority.do(suspend_certificate, **named)
    assert await office.list_now() != before
    assert (await office.seen(row)).verdict is Verdict.SUSPENDED
    assert (await office.credential(certificate)).credential_id == row.credential_id
    await office.authority.do(reinstate_certificate, **named)
    assert (await office.seen(row)).verdict is Verdict.VALID
    office.clock.advance(timedelta(seconds=1))
    await office.authority.do(suspend_certificate, **named)
    await office.authority.do(revoke_certificate, **named)
    assert (await office.seen(row)).verdict is Verdict.REVOKED
    of_one = orjson.loads(await office.list_now(purposes=(Purpose.SUSPENSION,)))
    assert of_one["credentialSubject"]["statusPurpose"] == "suspension"
    assert of_one["id"] == f"{URL}/credentials/status/1/suspension"


async def test_a_list_says_since_when_it_holds(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    office.clock.advance(timedelta(hours=1, seconds=7))
    as_of = [orjson.loads(await office.list_now())["validFrom"]]
    await office.authority.do(suspend_certificate, cert_id=certificate.cert_id, reason_code="MISCONDUCT")
    suspended_at = rfc3339(office.clock.now())
    office.clock.advance(timedelta(seconds=9))
    as_of.append(orjson.loads(await office.list_now())["validFrom"])
    office.clock.advance(timedelta(minutes=10))
    as_of.append(orjson.loads(await office.list_now())["validFrom"])
    assert as_of == ["2026-11-16T02:00:00.000Z", suspended_at, "2026-11-16T02:10:00.000Z"]


async def test_a_clock_with_microseconds_signs_nothing_before_the_issuer_took_office(office):
    office.clock.advance(timedelta(microseconds=123_999))
    await office.appointed()
    certificate = await office.certified()
    await seal_all(office.house.database, office.clock)
    async with office.house.database.write() as s:
        act = office.house.house.exchange_act()
        row = await issue_credential(s, act, office.desk, cert_id=certificate.cert_id)
    assert (await office.seen(row)).verdict is Verdict.VALID


@given(st.timedeltas(timedelta(0), timedelta(minutes=5) - timedelta(microseconds=1)))
def test_all_workers_begin_a_time_to_live_at_the_same_moment(passed):
    assert begun(NOW + passed) == NOW


STATES = {
    CertificateState.REVOKED: "revocation",
    CertificateState.EXITED: "revocation",
    CertificateState.SUSPENDED: "suspension",
}


async def test_the_two_bits_are_the_certificate_s_state_at_that_moment(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    held = await office.credential(certificate)
    for state in CertificateState:
        async with office.house.database.write() as s:
            await s.exec(update(CertificateRow).values(status=state))
        async with office.house.database.read() as s:
            found = await repository.marked(s, number=1)
            places = (await s.exec(select(StatusPlaceRow))).all()
        marked = {purpose.value for purpose, set_ in found.places.items() if set_}
        assert marked == ({STATES[state]} if state in STATES else set()), state
        taken = {place.place for place in places if place.purpose in marked}
        assert set().union(*found.places.values()) == taken
    assert (await office.credential(certificate)).credential_id == held.credential_id


async def test_a_new_credential_takes_the_place_of_the_one_before_it(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    former = await office.credential(certificate)
    held = former.document

    async def cut(s, act):
        event = CertificateEvent.CUT_SCOPE
        await follow_step(s, act, cert_id=certificate.cert_id, event=event, because="scope cut")

    await office.authority.do(cut)
    assert await office.credential(certificate) is None
    assert (await office.seen(held)).verdict is Verdict.REVOKED  # at once, before there is a new one
    await office.settled()
    present = await office.credential(certificate)
    assert present.credential_id != former.credential_id
    assert (await office.seen(present)).verdict is Verdict.VALID
    assert (await office.seen(held)).verdict is Verdict.REVOKED
    async with office.house.database.read() as s:
        again = await repository.get_credential(s, credential_id=former.credential_id)
        places = [place.place for place in (await s.exec(select(StatusPlaceRow))).all()]
    assert again.document is None
    assert len(set(places)) == 4


async def test_a_renewal_leaves_the_credential_good_until_the_next_one_is_there(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    held = (await office.credential(certificate)).document

    async def step(s, act, event):
        await follow_step(s, act, cert_id=certificate.cert_id, event=event, because=event.value)

    await office.authority.do(step, event=CertificateEvent.WARN)
    await office.settled()
    assert (await office.credential(certificate)).document == held
    await office.authority.do(step, event=CertificateEvent.RENEW)
    assert (await office.seen(held)).verdict is Verdict.VALID
    await office.settled()
    assert (await office.seen(held)).verdict is Verdict.REVOKED
    assert (await office.seen(await office.credential(certificate))).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("event", "result", "at_once"),
    [
        (CertificateEvent.ANNUAL_PASS, "PASS", False),
        (CertificateEvent.ANNUAL_FAIL, "FAIL", False),
        (CertificateEvent.RECTIFY, "RECTIFY", True),
    ],
)
async def test_a_review_writes_the_credential_anew_with_its_result(office, event, result, at_once):
    """A stranger who knows nothing of our code finds the proof good, and the earlier one withdrawn."""
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    held = (await office.credential(certificate)).document
    assert "annualReviews" not in orjson.loads(held)["credentialSubject"]

    async def reviewed(s, act):
        s.add(annual(certificate.cert_id, result))
        await s.flush()
        await follow_step(s, act, cert_id=certificate.cert_id, event=event, because=event.value)

    await office.authority.do(reviewed)
    assert (await office.seen(held)).verdict is (Verdict.REVOKED if at_once else Verdict.VALID)
    await office.settled()
    present = (await office.credential(certificate)).document
    subject = orjson.loads(present)["credentialSubject"]
    assert subject["annualReviews"] == [{"year": 2025, "result": result}]
    assert subject.get("conditions") == (["rectify-by 2026-12-16"] if result == "RECTIFY" else None)
    assert (await office.seen(present)).verdict is Verdict.VALID
    assert (await office.seen(held)).verdict is Verdict.REVOKED
    assert strangers_proof(present)


def annual(cert_id: str, result: str) -> AnnualRow:
    due = NOW + timedelta(days=30) if result == "RECTIFY" else None
    return AnnualRow(
        cert_id=cert_id,
        year=2025,
        report_sha256="ab" * 32,
        dated_on="2026-03-01",
        filed_at=NOW,
        late=False,
        statement_id="stm_x",
        result=result,
        rectify_by=due,
    )


async def test_who_leaves_is_shown_with_the_day_and_takes_no_new_mandate(office):
    await office.appointed()
    certificate = await office.certified()
    await office.settled()
    held = (await office.credential(certificate)).document
    await office.broker.do(give_exit_notice, object_id=certificate.cert_id, cert_id=certificate.cert_id)
    assert (await office.seen(held)).verdict is Verdict.REVOKED
    await office.settled()
    present = (await office.credential(certificate)).document
    assert orjson.loads(present)["credentialSubject"]["conditions"] == [
        "no-new-mandates leaves-after 2027-05-16"
    ]
    assert (await office.seen(present)).verdict is Verdict.VALID


async def test_the_next_issuing_key_ends_the_last_and_writes_every_credential_anew(office):
    first = await office.appointed()
    certificate = await office.certified()
    await office.settled()
    held = (await office.credential(certificate)).document
    office.clock.advance(timedelta(days=1))
    second = await office.appointed()
    assert (second.number, second.did == first.did) == (2, False)
    await office.settled()
    row = await office.credential(certificate)
    assert orjson.loads(row.document)["issuer"] == second.did
    with pytest.raises(IssuerRetired):
        await office.list_now(1)
    async with office.house.database.read() as s:
        pins = [Pin(one.did, one.since, one.retired_at) for one in await repository.issuers(s)]
    fresh = [await office.list_now(2)]
    assert verify(row.document, fresh, pins, at=office.clock.now()).verdict is Verdict.VALID
    assert verify(held, fresh, pins, at=office.clock.now()).verdict is Verdict.ISSUER_RETIRED
    with pytest.raises(StatusListUnknown):
        await office.list_now(3)


async def test_only_the_data_authority_appoints_and_nothing_moves_otherwise(office):
    before = await statements(office.house.database)
    with pytest.raises(CertificateWrongRole):
        await office.broker.do(appoint_issuer, attempted="CRD.APPOINT", safe=office.desk.safe)
    async with office.house.database.read() as s:
        assert await repository.issuers(s) == []
    after = await statements(office.house.database)
    assert len(after) == len(before) + 1  # the refusal alone


async def test_without_an_issuing_key_nothing_is_issued_and_the_first_one_makes_up_for_it(office):
    certificate = await office.certified()
    await office.settled()
    assert await office.credential(certificate) is None
    await office.appointed()
    await office.settled()
    assert (await office.seen(await office.credential(certificate))).verdict is Verdict.VALID


async def test_a_certificate_that_is_over_gets_no_credential(office):
    await office.appointed()
    certificate = await office.certified()
    named = {"cert_id": certificate.cert_id, "reason_code": "MISCONDUCT"}
    await office.authority.do(suspend_certificate, **named)
    await office.authority.do(revoke_certificate, **named)
    await office.settled()
    assert await office.credential(certificate) is None
    async with office.house.database.read() as s:
        assert (await s.exec(select(StatusPlaceRow))).all() == []


async def test_a_list_with_a_quarter_of_its_places_taken_takes_no_more(office, monkeypatch):
    await office.appointed()
    await office.certified()
    await office.settled()
    monkeypatch.setattr("brokers.credential.issuing._MOST_TAKEN", 2)
    other = await office.certified(await office.house.admit("南沙数据经纪", {"BROKER"}))
    await seal_all(office.house.database, office.clock)
    with pytest.raises(StatusListFull):
        async with office.house.database.write() as s:
            act = office.house.house.exchange_act()
            await issue_credential(s, act, office.desk, cert_id=other.cert_id)
    assert await office.credential(other) is None


@pytest.mark.postgresql
async def test_of_two_keys_appointed_at_once_one_is(postgresql_database, clock):
    house = await make_house(postgresql_database, clock)
    authority = await house.admit("广东省数据管理局", {"DATA_AUTHORITY"})

    async def one() -> Any:
        return await authority.do(appoint_issuer, attempted="CRD.APPOINT", safe=house.safe)

    await asyncio.gather(one(), one(), return_exceptions=True)
    async with house.database.read() as s:
        numbers = [row.number for row in await repository.issuers(s)]
        in_office = [row for row in await repository.issuers(s) if row.retired_at is None]
    assert numbers in ([1], [2, 1])
    assert len(in_office) == 1
