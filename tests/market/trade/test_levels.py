"""A level that is raised, an entry that is notified, a consent that falls: what each does to a listing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from base.canonical import sha256_hex
from ledger.acts import perform
from ledger.recording import Actor
from market.delivery.errors import DeliverySuspended
from market.listings.errors import JointReviewNeeded, ListingMalformed
from market.listings.publishing import publish_listing, resume_listing
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.listings.service import draft_listing, require_listed, submit_listing
from market.orders.rules import TradeState
from registry.grading import cataloguing, declaring, keeping
from registry.grading.cataloguing import Content
from registry.grading.declaring import Declared
from registry.grading.depending import level_of
from registry.grading.errors import BaseLibraryRaw, ConsentMissing, ImportantData, ImportantDataUndecided
from registry.grading.repository import evidence_of, grade_of, gradings_of
from registry.grading.states import GradingState
from registry.lists.rules import BaseLibrary, DataKind, Listed, ShareKind
from registry.lists.tables import DataRow
from registry.registration.rules import Update
from registry.repository import classification_of
from registry.rules import Level, PersonalData, Source, SourceFacts
from tests.market.listings.goods import (
    CLEAN,
    MOBILES,
    Decision,
    compliance,
    drafted,
    measured,
    offering,
    recorded,
    review,
    submitted,
    uploaded,
)
from tests.market.trade.test_freezing import download
from tests.registry.chiefs.seats import by, enrolled, seat_chief
from tests.standstill import refused

L = Level
ENERGY = Content(
    region="440000",
    sector="D44",
    name="电网调度运行数据",
    description="省级电网调度运行的实时数据",
    keywords=("用电指数",),
    patterns=("county", "index"),
)


async def act_of(scene, party, user_id, role, verb, /, **facts) -> Any:
    async def bound(s, act):
        return await verb(s, act, **facts)

    act = scene.house.house.act(Actor(party.org_id, party.actor.roles, user_id), role, party.pen)
    return await perform(scene.house.house, act, bound, attempted="GRD.ACT", object_id=party.org_id)


async def graded(scene, level: Level) -> None:
    """The seller declares a level of its product, an officer of the exchange decides it."""
    said = Declared(level=level, sector="D44", data_class="production")
    about = {"object_id": scene.listing.product_id, "declared": said}
    row = await act_of(scene, scene.seller, None, "PROVIDER", declaring.declare, **about)
    decided = {"grading_id": row.grading_id, "level": level, "opinion": "按矩阵"}
    operator = scene.house.operator
    await act_of(scene, operator, "usr_1", "EXCHANGE_OPERATOR", declaring.decide, **decided)


async def notified(scene, **changes):
    """An entry of the catalogue that a department's chief has signed and the authority has confirmed."""
    agency = await scene.house.admit("省能源局", {"PUBLIC_AGENCY"})
    chief = await seat_chief(scene.house, agency)
    row = await by(
        scene.house, agency, chief.user_id, cataloguing.identify, content=replace(ENERGY, **changes)
    )
    await by(scene.house, agency, chief.user_id, cataloguing.report, entry_id=row.entry_id)
    officer = await enrolled(scene.house, scene.authority, "管数局")
    confirmed = {"entry_id": row.entry_id}
    await act_of(scene, scene.authority, officer, "DATA_AUTHORITY", cataloguing.confirm_entry, **confirmed)
    return row


async def listing(scene):
    async with scene.database.read() as s:
        return await get_listing(s, listing_id=scene.listing.listing_id)


async def test_a_raised_level_suspends_listing_and_delivery_and_a_lower_one_resumes_neither(scene):
    trade_id = scene.trades["DELIVERING"]
    await download(scene, trade_id)
    await graded(scene, L.GENERAL_4)
    await scene.run_jobs()
    now = await listing(scene)
    assert (now.status, now.reasons, now.level) == (ListingState.SUSPENDED, ["LEVEL_RAISED"], L.GENERAL_4)
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    async with refused(scene.database, DeliverySuspended):
        await download(scene, trade_id)
    scene.clock.advance(timedelta(minutes=1))
    await graded(scene, L.GENERAL_2)
    await scene.run_jobs()
    assert (await listing(scene)).status is ListingState.SUSPENDED
    await scene.house.operator.do(
        resume_listing, listing_id=scene.listing.listing_id, reason_code="CAUSE_CLEARED"
    )
    now = await listing(scene)
    assert (now.status, now.level) == (ListingState.LISTED, L.GENERAL_2)
    await scene.run_jobs()
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERING
    await download(scene, trade_id)


async def test_a_notified_entry_stops_every_act_before_any_job_has_run(scene):
    trade_id = scene.trades["DELIVERING"]
    await download(scene, trade_id)
    await notified(scene, objects=(scene.listing.product_id,))
    async with refused(scene.database, ImportantData) as caught:
        await download(scene, trade_id)
    assert caught.value.facts["how"] == "IDENTITY"
    async with scene.database.write() as s:
        with pytest.raises(ImportantData):  # as every inquiry, offer, acceptance and signature does
            await require_listed(s, listing_id=scene.listing.listing_id)
    async with scene.database.read() as s:  # what customs asks at its gate
        assert await level_of(s, object_id=scene.listing.product_id) is L.IMPORTANT
    await scene.run_jobs()
    await scene.run_jobs()
    assert (await listing(scene)).status is ListingState.SUSPENDED
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    made = await submitted(
        scene.house, scene.seller, MOBILES, salt="of it", derived_from=(scene.listing.product_id,)
    )
    assert made.status is ListingState.BLOCKED
    assert "NL3-important-data" in made.reasons


async def test_what_only_resembles_an_entry_is_reviewed_and_not_offered_before_a_person_decides(sqlite_scene):
    scene = sqlite_scene
    await notified(scene, patterns=("county", "node"))
    near = await submitted(scene.house, scene.seller, CLEAN, salt="near")
    assert near.status is ListingState.COMPLIANCE_REVIEW
    await review(scene.house, near, Decision.APPROVE, user_id="usr_1")
    async with refused(scene.database, ImportantDataUndecided):
        await scene.house.operator.do(publish_listing, listing_id=near.listing_id)
    await notified(scene)
    covered = await submitted(scene.house, scene.seller, CLEAN, salt="full")
    assert (covered.status, covered.level) == (ListingState.BLOCKED, L.IMPORTANT)


async def consented(scene, seller):
    """A draft of the seller's with personal data, and the records behind it."""
    draft = await drafted(seller, MOBILES, salt="consented")
    await measured(scene.house, draft, MOBILES)
    return draft, await recorded(seller, draft, PersonalData(True, True, True, True))


async def submit(seller, draft, personal):
    return await seller.do(
        submit_listing,
        role="PROVIDER",
        listing_id=draft.listing_id,
        compliance=compliance(personal=personal),
    )


async def test_a_listing_rests_on_the_records_it_cites_and_falls_with_them(sqlite_scene):
    scene = sqlite_scene
    draft, personal = await consented(scene, scene.seller)
    async with refused(scene.database, ConsentMissing):
        await submit(scene.seller, draft, replace(personal, consent_id="cns_01jcw000000000000000000000"))
    row = await submit(scene.seller, draft, personal)
    assert (row.status, row.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_3)
    for officer in ("usr_1", "usr_2", "usr_3"):
        await review(scene.house, row, Decision.APPROVE, user_id=officer)
    await scene.house.operator.do(publish_listing, listing_id=row.listing_id)
    lost = {"consent_id": personal.consent_id, "count": 120, "pseudonyms_root": "d" * 64}
    await act_of(scene, scene.seller, None, "PROVIDER", keeping.withdraw_consents, **lost)
    async with scene.database.write() as s:
        with pytest.raises(ConsentMissing):
            await require_listed(s, listing_id=row.listing_id)
    await scene.run_jobs()
    async with scene.database.read() as s:
        now = await get_listing(s, listing_id=row.listing_id)
    assert (now.status, now.reasons) == (ListingState.SUSPENDED, ["CONSENT_WITHDRAWN"])


async def test_separate_consent_by_word_alone_blocks_at_general_4(sqlite_scene):
    scene = sqlite_scene
    said = PersonalData(contained=True, consented=True, separately_consented=True, impact_assessed=True)
    word = {"salt": "word", "level": L.GENERAL_4, "declared": {"personal": said}, "records": False}
    row = await submitted(scene.house, scene.seller, MOBILES, **word)
    assert row.status is ListingState.BLOCKED
    assert row.reasons == [
        "NL4-consented-without-record",
        "NL4-impact-assessed-without-record",
        "NL4-separately-consented-without-record",
    ]


async def test_personal_data_by_word_is_general_3_and_asks_for_the_records_that_scanned_data_does(
    sqlite_scene,
):
    scene = sqlite_scene
    said = PersonalData(contained=True, consented=True, impact_assessed=True)
    word = {"declared": {"personal": said}, "records": False}
    for text, salt in ((CLEAN, "said"), (MOBILES, "seen")):
        row = await submitted(scene.house, scene.seller, text, salt=salt, **word)
        assert (row.status, row.level) == (ListingState.BLOCKED, L.GENERAL_3)
        assert row.reasons == ["NL4-consented-without-record", "NL4-impact-assessed-without-record"]
    bare = {"declared": {"personal": PersonalData(contained=True, consented=True)}}
    row = await submitted(scene.house, scene.seller, CLEAN, salt="unassessed", **bare)
    assert (row.status, row.reasons) == (ListingState.BLOCKED, ["NL4-no-impact-assessment"])
    row = await submitted(scene.house, scene.seller, CLEAN, salt="kept", declared={"personal": said})
    assert (row.status, row.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_3)
    anonymous = {"personal": PersonalData(contained=True, anonymised=True)}
    other = f"{CLEAN}\n"  # the bytes that were said to be of persons are that under any name
    row = await submitted(scene.house, scene.seller, other, salt="nobody", declared=anonymous)
    assert (row.status, row.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_2)


async def test_the_same_bytes_listed_anew_keep_the_level_that_is_known_of_them(sqlite_scene):
    scene = sqlite_scene
    told = await submitted(scene.house, scene.seller, CLEAN, salt="told", level=L.GENERAL_4)
    again = await submitted(scene.house, scene.seller, CLEAN, salt="again", level=L.GENERAL_1)
    assert (told.level, again.level) == (L.GENERAL_4, L.GENERAL_4)  # a word of the same holder's
    other = await scene.house.admit("对手数科", {"PROVIDER"})
    theirs = await submitted(scene.house, other, CLEAN, salt="theirs", level=L.GENERAL_1)
    assert theirs.level is L.GENERAL_1  # that binds nobody else
    await graded(scene, L.GENERAL_3)  # decided by an officer, of these very bytes
    async with scene.database.read() as s:
        known = await grade_of(s, object_id=theirs.product_id)
        assert (known.level, known.same_bytes) == (L.GENERAL_3, L.GENERAL_3)


async def test_a_reseller_moves_no_level_of_anothers_product_and_is_blocked_where_it_shows_more(sqlite_scene):
    scene = sqlite_scene
    await graded(scene, L.GENERAL_2)
    other = await scene.house.admit("转售数科", {"PROVIDER"})
    product_id = scene.listing.product_id
    async with scene.database.read() as s:
        before = await grade_of(s, object_id=product_id)
        classified = await classification_of(s, product_id=product_id)
    like = await version(scene, other, f"{CLEAN}\n", salt="like")
    assert (like.status, like.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_2)
    personal = PersonalData(contained=True, consented=True, impact_assessed=True)
    bare = await version(scene, other, MOBILES, salt="bare", personal=personal)
    assert bare.reasons == ["NL4-consented-without-record", "NL4-impact-assessed-without-record"]
    more = await version(scene, other, f"{CLEAN}\n\n", salt="more", level=L.GENERAL_3)
    assert (more.status, more.level) == (ListingState.BLOCKED, L.GENERAL_3)
    assert more.reasons == ["LVL-above-known-product"]
    async with scene.database.read() as s:
        after = await grade_of(s, object_id=product_id)
        assert (after.level, after.file_sha256) == (L.GENERAL_2, before.file_sha256)
        assert await classification_of(s, product_id=product_id) == classified
        (asked,) = await gradings_of(s, object_id=product_id)
        kept = [(one.holder_id, one.declared) for one in await evidence_of(s, object_id=product_id)]
    assert asked.status is GradingState.REVIEW_DUE  # the officers' question
    brought = [(scene.seller.org_id, L.GENERAL_2), (other.org_id, L.GENERAL_2), (other.org_id, L.GENERAL_3)]
    assert sorted(kept) == sorted(brought)
    await scene.run_jobs()
    assert (await listing(scene)).status is ListingState.LISTED
    own = await submitted(scene.house, other, MOBILES, salt="own", declared={"personal": personal})
    assert (own.status, own.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_3)


async def test_a_notified_digest_of_a_resellers_file_stops_the_product(sqlite_scene):
    scene = sqlite_scene
    other = await scene.house.admit("转售数科", {"PROVIDER"})
    like = await version(scene, other, f"{CLEAN}\n", salt="like")
    assert like.status is ListingState.COMPLIANCE_REVIEW
    digest = sha256_hex(f"{CLEAN}\n".encode())
    await notified(scene, digests=(digest,), keywords=(), patterns=())
    async with scene.database.write() as s:
        with pytest.raises(ImportantData):
            await require_listed(s, listing_id=scene.listing.listing_id)


async def test_a_base_library_is_not_listed_raw_and_what_is_made_of_it_is_general_4(sqlite_scene):
    scene = sqlite_scene
    agency = await scene.house.admit("省公安厅", {"PUBLIC_AGENCY"})
    await enrolled(scene.house, agency)
    data_id = agency.act().new_id("dat")
    async with scene.database.write() as s:
        s.add(library(agency.org_id, data_id, scene.clock.now()))
    derived = {"derived_from": (data_id,), "salt": "library"}
    draft = await drafted(scene.seller, CLEAN, **derived)
    await measured(scene.house, draft, CLEAN)
    async with refused(scene.database, BaseLibraryRaw) as caught:
        await submit(scene.seller, draft, PersonalData())
    assert caught.value.facts["why"] == "no-substantial-change"
    changed = compliance(
        source=Source.DERIVED, source_facts=SourceFacts(substantially_changed=True), basis_ref=None
    )
    changed = replace(changed, basis_ref="无需登记：统计衍生")
    row = await scene.seller.do(
        submit_listing, role="PROVIDER", listing_id=draft.listing_id, compliance=changed
    )
    assert (row.status, row.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_4)
    with pytest.raises(ListingMalformed):
        await drafted(scene.seller, CLEAN, derived_from=("dat_01jcw000000000000000000000",), salt="none")


def library(agency_id, data_id, now) -> DataRow:
    return DataRow(
        data_id=data_id,
        agency_id=agency_id,
        key="人口库",
        name="常住人口基本信息",
        abstract="人口库",
        base_library=BaseLibrary.POPULATION,
        kind=DataKind.TABLE,
        region="440000",
        update=Update.DAILY,
        fields=[{"name": "姓名", "type": "text", "meaning": "", "item_id": None, "personal": True}],
        level=L.GENERAL_4,
        share=ShareKind.NOT_SHARED,
        share_reason="法律规定",
        content_sha256="e" * 64,
        version=1,
        status=Listed.LISTED,
        listed_at=now,
        changed_at=now,
    )


async def version(scene, party, text, *, salt, personal=None, **changes):
    """A further listing of the scene's product, drafted, measured and submitted."""
    file_id = await uploaded(party, text, salt=salt)
    about = {"offering": offering(**changes), "file_id": file_id, "product_id": scene.listing.product_id}
    row = await party.do(draft_listing, role="PROVIDER", **about)
    await measured(scene.house, row, text)
    if personal is not None and scene.seller.org_id == party.org_id:
        personal = await recorded(party, row, personal)
    said = compliance() if personal is None else compliance(personal=personal)
    about = {"listing_id": row.listing_id, "compliance": said}
    return await party.do(submit_listing, role="PROVIDER", **about)


async def test_a_listing_raised_to_general_3_comes_back_with_the_joint_review_of_that_level(sqlite_scene):
    scene = sqlite_scene
    await graded(scene, L.GENERAL_3)
    await scene.run_jobs()
    assert (await listing(scene)).status is ListingState.SUSPENDED
    back = {"listing_id": scene.listing.listing_id, "reason_code": "CAUSE_CLEARED"}
    async with refused(scene.database, JointReviewNeeded):
        await scene.house.operator.do(resume_listing, **back)
    assert (await listing(scene)).status is ListingState.SUSPENDED


async def test_a_stranger_moves_no_level_by_a_blocked_version_of_anothers_product(sqlite_scene):
    scene = sqlite_scene
    other = await scene.house.admit("对手数科", {"PROVIDER"})
    theirs = await version(scene, other, MOBILES, salt="theirs", personal=PersonalData(contained=True))
    assert theirs.status is ListingState.BLOCKED
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await level_of(s, object_id=scene.listing.product_id) is L.GENERAL_2
    assert (await listing(scene)).status is ListingState.LISTED


async def test_a_blocked_version_writes_no_level_and_no_version_takes_one_away(sqlite_scene):
    scene = sqlite_scene
    product_id = scene.listing.product_id
    bare = PersonalData(contained=True)  # without any consent
    blocked = await version(scene, scene.seller, MOBILES, salt="bare", personal=bare)
    assert blocked.status is ListingState.BLOCKED
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await level_of(s, object_id=product_id) is L.GENERAL_2
    assert (await listing(scene)).status is ListingState.LISTED
    personal = PersonalData(True, True, True, True)
    shown = await version(scene, scene.seller, f"{MOBILES}\n", salt="shown", personal=personal)
    assert (shown.status, shown.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_3)
    clean = await version(scene, scene.seller, f"{CLEAN}\n", salt="clean", personal=personal)
    assert (clean.status, clean.level) == (ListingState.COMPLIANCE_REVIEW, L.GENERAL_3)
    async with scene.database.read() as s:
        known = await grade_of(s, object_id=product_id)
    assert (known.level, known.scanned) == (L.GENERAL_3, L.GENERAL_3)
