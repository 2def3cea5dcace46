"""A document carries whom and how many it says, and what it carries ends with it."""

from dataclasses import replace

import pytest

from market.customs import carrying, deciding, entering
from market.customs.declared import Ground
from market.customs.errors import EvidenceRefused
from market.customs.proving import DocumentKind
from market.customs.repository import document_numbered
from market.customs.routing import Way
from tests.market.customs.flows import flow, shown
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
        document = await document_numbered(s, number="GD-SC-2026-0001")
    assert document is not None
    await post.by("tao", entering.end_document, document_id=document.document_id, reason="withdrawn")
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
