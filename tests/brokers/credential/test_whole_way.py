"""From the application to the credential: what three persons approved is what a stranger reads."""

import orjson

from base.canonical import canonical
from base.credential.checking import Pin
from base.credential.verdicts import Verdict
from base.jobs import run_due
from brokers.credential import repository
from brokers.credential.issuing import Desk, appoint_issuer, credential_handlers, signed_list
from brokers.credential.verifying import verify
from ledger.sequencer import create_log, seal_all
from tests.brokers.office import CLAIMS, Office


async def test_the_persons_of_the_application_are_named_under_the_organisation(office: Office) -> None:
    desk = Desk(office.house.safe, "https://exchange.example")
    async with office.database.write() as s:
        await create_log(s, origin="exchange.example/test", at=office.clock.now())
    issuer = await office.authority.do(appoint_issuer, attempted="CRD.APPOINT", safe=desk.safe)
    certificate = await office.certified()
    await seal_all(office.database, office.clock)
    await run_due(office.database, office.clock.now(), credential_handlers(office.house.house, desk))
    async with office.database.read() as s:
        row = await repository.credential_of(s, cert_id=certificate.cert_id)
        listed = await signed_list(s, desk, number=issuer.number, now=office.clock.now())
    assert row is not None
    assert row.document is not None
    subject = orjson.loads(row.document)["credentialSubject"]
    assert subject["practitioners"] == [
        {"type": "Practitioner", "name": one.name, "practitionerNumber": one.number}
        for one in CLAIMS.practitioners
    ]
    pins = [Pin(issuer.did, since=issuer.since)]
    found = verify(row.document, [canonical(listed)], pins, at=office.clock.now())
    assert (found.verdict, found.subject["name"]) == (Verdict.VALID, "珠江数据经纪")
