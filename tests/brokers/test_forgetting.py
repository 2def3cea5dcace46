"""What an application named is erased once it is over, and not before."""

from brokers import applying
from brokers.repository import evidence_of, get_application
from cases.erasing import erase_opening
from cases.errors import OpeningInUse
from ledger.erasure import ERASED
from ledger.reader import statements_of
from tests.brokers.office import Office
from tests.standstill import refused


async def test_an_applicants_people_and_documents_are_forgotten_when_the_application_is_over(
    office: Office,
) -> None:
    row = await office.apply()
    async with office.database.read() as s:
        (said,) = await statements_of(s, object_id=row.cert_id)
    asked = {"statement_id": said.statement_id, "basis": "PIPL-47-1", "reason": "当事人请求"}
    operator = office.house.operator
    async with refused(office.database, OpeningInUse):
        await operator.do(erase_opening, role="EXCHANGE_OPERATOR", object_id=said.statement_id, **asked)
    await office.broker.do(applying.withdraw, object_id=row.cert_id, cert_id=row.cert_id)
    await operator.do(erase_opening, role="EXCHANGE_OPERATOR", object_id=said.statement_id, **asked)
    async with office.database.read() as s:
        kept = await get_application(s, cert_id=row.cert_id)
        assert "从业人员" not in str(kept.claims)
        assert kept.claims["dcmm"] == 3
        documents = await evidence_of(s, cert_id=row.cert_id)
    assert {one.name for one in documents} == {ERASED}
    assert len({one.sha256 for one in documents}) == 10
