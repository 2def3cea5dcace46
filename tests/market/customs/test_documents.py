"""A document carries whom and how many it says, and what it carries ends with it."""

from dataclasses import replace
from datetime import date

import pytest

from market.customs import carrying, deciding, entering
from market.customs.declared import Ground, Kind
from market.customs.errors import DeclarationMalformed, EvidenceRefused
from market.customs.proving import DocumentKind
from market.customs.repository import document_numbered, documents
from market.customs.routing import Way
from tests.market.customs.flows import document, flow, shown
from tests.market.customs.post import Post
from tests.standstill import refused

KEPT = {"country": "HK", "recipient_name": "香港金融"}


async def carried(post: Post, persons: int):
    """A flow to the member in Hong Kong, shown its contract and cleared."""
    row = await post.declare(post.to_recipient(flow(persons), onward=("SG",)))
    about = {"declaration_id": row.declaration_id}
    await post.exporter.do(carrying.attach_evidence, shown=shown(), **about)
    await post.by("mei", deciding.take, **about)
    return await post.by("mei", deciding.clear, reason="in order", **about)


async def test_a_member_goes_by_its_registered_name_so_no_other_contract_carries_it(post: Post):
    await post.enter(country="HK")  # of the same place, with Lion City Analytics
    said = post.to_recipient(flow(100_000), onward=("SG",))
    said = replace(said, recipient=replace(said.recipient, name="Lion City Analytics"))
    row = await post.declare(said)
    assert row.said["recipient"]["name"] == "香港金融"
    async with refused(post.database, EvidenceRefused):
        await post.exporter.do(carrying.attach_evidence, declaration_id=row.declaration_id, shown=shown())


async def test_the_persons_of_all_declarations_under_one_document_are_summed(post: Post):
    await post.enter(**KEPT, persons=250_000)
    await carried(post, 150_000)
    row = await post.declare(post.to_recipient(flow(100_001), onward=("SG",)))
    about = {"declaration_id": row.declaration_id}
    with pytest.raises(EvidenceRefused) as too_many:
        await post.exporter.do(carrying.attach_evidence, shown=shown(), **about)
    assert too_many.value.facts["why"] == "too-few"
    last = await carried(post, 100_000)  # exactly what is left
    assert last.status == "CLEARED"


async def test_what_a_document_carries_is_halted_when_it_ends(post: Post):
    await post.enter(**KEPT)
    both = [await carried(post, 100_000), await carried(post, 100_000)]
    other = await post.cleared(flow())
    async with post.database.read() as s:
        kept = await document_numbered(s, number="GD-SC-2026-0001")
    assert kept is not None
    await post.by("tao", entering.end_document, document_id=kept.document_id, reason="withdrawn")
    for one in both:
        row = await post.row(one.declaration_id)
        assert (row.status, row.reason_code) == ("HALTED", "DOCUMENT_ENDED")
        assert (await post.said(one.declaration_id))[-1] == "XBD.HALT"
        async with refused(post.database, EvidenceRefused):
            await post.by("mei", deciding.resume, declaration_id=one.declaration_id, reason="go on")
    assert (await post.row(other.declaration_id)).status == "CLEARED"


async def test_a_seat_that_ends_halts_what_it_exempted(post: Post):
    seat = await post.enter(kind=DocumentKind.ZONE, number="NS-SEAT-1", recipient_name="nansha")
    await post.by(
        "mei",
        entering.enter_list,
        zone="nansha",
        source="notice 1 of 2026",
        entries=[],
        effective_from=flow().period_from,
        effective_to=None,
    )
    said = flow(5, ground=Ground.FREE_TRADE_ZONE, zone="nansha", attachments={"zone_number": "NS-SEAT-1"})
    row = await post.cleared(said)
    assert (row.way, row.status) == (Way.EXEMPT_ZONE, "CLEARED")
    await post.by("tao", entering.end_document, document_id=seat.document_id, reason="moved away")
    assert (await post.row(row.declaration_id)).status == "HALTED"
    async with refused(post.database, EvidenceRefused):
        await post.by("mei", deciding.resume, declaration_id=row.declaration_id, reason="go on")


async def test_an_exporter_reads_its_own_documents_however_many_others_there_are(post: Post):
    mine = await post.enter()
    for n in range(3):
        await post.by(
            "mei", entering.enter_document, document=document(post.stranger.org_id, number=f"OTHER-{n}")
        )
    async with post.database.read() as s:
        found = await documents(s, exporter_id=post.exporter.org_id, limit=2)
        assert [one.document_id for one in found] == [mine.document_id]
        assert len(await documents(s, limit=2)) == 2


async def test_a_renewal_is_no_longer_than_three_years(post: Post):
    await post.enter(**KEPT, valid_until=None)
    row = await carried(post, 100_000)
    about = {"declaration_id": row.declaration_id, "shown": shown()}
    with pytest.raises(DeclarationMalformed):
        await post.exporter.do(carrying.renew, to=date(2030, 11, 16), **about)
    renewed = await post.exporter.do(carrying.renew, to=date(2030, 11, 15), **about)
    assert renewed.valid_to.date() == date(2030, 11, 15)


async def test_a_foreign_request_is_rerouted_to_nothing_but_a_refusal(post: Post):
    said = flow(10, kind=Kind.FOREIGN_REQUEST, request_authority="a district court")
    row = await post.declare(said)
    await post.enter(kind=DocumentKind.APPROVAL, number="AP-1")
    about = {"declaration_id": row.declaration_id}
    approval = shown(kind=DocumentKind.APPROVAL, number="AP-1")
    await post.exporter.do(carrying.attach_evidence, shown=approval, **about)
    await post.by("mei", deciding.take, **about)
    for way in (Way.GBA_STANDARD_CONTRACT, Way.CONTRACT_OR_CERTIFICATION, Way.ASSESSMENT):
        async with refused(post.database, EvidenceRefused):
            await post.by("mei", deciding.reroute, way=way, reason="easier", **about)
    ended = await post.by("mei", deciding.reroute, way=Way.PROHIBIT, reason="no approval", **about)
    assert (ended.status, ended.reason_code) == ("REJECTED", "PROHIBITED")
