"""A listing's way onto the exchange and off it: what is stated, what is refused, and that nothing moved."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlmodel import select, update

from base.errors import Malformed, NotFound, Refusal
from ledger.tables import StatementRow
from market.listings.catalogue import Query, facets, search
from market.listings.publishing import (
    publish_listing,
    resume_listing,
    review_listing,
    suspend_listing,
    withdraw_listing,
)
from market.listings.repository import get_listing, reviews_of
from market.listings.service import (
    draft_listing,
    materials_of,
    require_listed,
    submit_listing,
)
from market.listings.tables import Decision, Listing, ListingFile, Product
from registry.repository import rights_in
from registry.rules import Level, PersonalData, Right, Source
from registry.tables import ClassificationRow, RightsRow
from supervision.rules import pi_not_anonymised
from tests.houses import TestHouse, make_house
from tests.market.exported import exported
from tests.market.listings.goods import (
    MOBILES,
    SOURCE_STATEMENT,
    SPOILT,
    compliance,
    drafted,
    events,
    listed,
    measured,
    offering,
    review,
    said,
    stored,
    submitted,
    uploaded,
)


@pytest.fixture
async def house(database, clock) -> TestHouse:
    return await make_house(database, clock)


@pytest.fixture
async def seller(house):
    return await house.admit("粤能数科", {"PROVIDER"})


async def now(house, listing) -> Listing:
    async with house.database.read() as s:
        return await get_listing(s, listing_id=listing.listing_id)


async def refused(house, code: str, promise, listing: Listing | None = None):
    """The act is refused with this code: the listing stands as it stood, only the refusal is stated."""
    before = None if listing is None else await now(house, listing)
    async with house.database.read() as s:
        count = len((await s.exec(select(StatementRow.id))).all())
    with pytest.raises(Refusal) as caught:
        await promise
    assert caught.value.code == code
    async with house.database.read() as s:
        rows = (await s.exec(select(StatementRow).order_by(StatementRow.id))).all()
    assert [row.event for row in rows[count:]] == ["REF.REFUSE"]
    if before is not None:
        assert await now(house, listing) == before
    return caught.value


async def test_a_clean_file_goes_from_draft_to_offer_in_six_statements(house, seller):
    listing = await listed(house, seller)
    assert await events(house.database, listing.listing_id) == [
        "LST.DRAFT",
        "REG.MEASURE",
        "LST.SUBMIT",
        "LST.SCREEN_PASS",
        "LST.APPROVE",
        "LST.LIST",
    ]
    kept = await now(house, listing)
    assert kept.status == "LISTED"
    assert kept.seller_id == seller.org_id
    assert kept.review_round == 1
    assert kept.listed_at == house.clock.now()
    async with house.database.write() as s:
        assert (await require_listed(s, listing_id=listing.listing_id)).listing_id == listing.listing_id


async def test_the_draft_says_what_is_offered_and_keeps_texts_and_prices_to_its_opening(house, seller):
    listing = await drafted(seller)
    file = stored()
    public, opening = await said(house.database, "LST.DRAFT", listing.listing_id)
    assert public["file"] == {"sha256": file.sha256, "bytes": file.bytes}
    assert public["to"] == "DRAFT"
    assert "from" not in public
    assert (public["seller_id"], public["actor"], public["role"]) == (
        seller.org_id,
        seller.org_id,
        "PROVIDER",
    )
    assert (public["category"], public["geo"], public["level"], public["product_type"]) == (
        "energy",
        "440000",
        "general-2",
        "DATASET",
    )
    assert public["public_data"] is False
    assert not {"title", "list_price_minor"} & public.keys()
    del opening["nonce"]
    assert opening == {
        "title": "2025年广东省工业企业月度用电指数数据集",
        "description": offering().says.description,
        "scenario": "中小企业信贷风险模型",
        "list_price_minor": "76000000",
        "licence_of_data": "内部建模使用, 不得转售, 限境内",
        "licence_class": "internal-use",
        "unit": "set",
        "quantity": 1,
    }


async def test_submitting_registers_the_right_grades_the_product_and_binds_the_report(house, seller):
    listing = await submitted(house, seller)
    assert listing.status == "COMPLIANCE_REVIEW"
    async with house.database.read() as s:
        (right,) = await rights_in(s, product_id=listing.product_id)
        classified = await s.get(ClassificationRow, listing.product_id)
    assert (right.right, right.holder_id, right.source_statement_sha256) == (
        Right.OPERATE,
        seller.org_id,
        SOURCE_STATEMENT,
    )
    assert (classified.level, classified.passed) == (Level.GENERAL_2, True)
    public, _ = await said(house.database, "LST.SUBMIT", listing.listing_id)
    assert public["report_sha256"] == listing.report_sha256
    assert (public["source"], public["rights"]) == ("SELF_COLLECTED", ["OPERATE"])
    assert materials_of(listing).basis_ref == "SJ4412026090001"


async def test_undeclared_personal_data_is_blocked_with_its_reasons(house, seller):
    listing = await submitted(house, seller, MOBILES)
    assert listing.status == "BLOCKED"
    assert listing.reasons == ["NL4-undeclared-mobile", "NL4-no-consent", "NL4-no-impact-assessment"]
    assert listing.level is Level.GENERAL_3
    public, _ = await said(house.database, "LST.SCREEN_FAIL", listing.listing_id)
    assert public["reason_code"] == "NL4-undeclared-mobile"
    assert public["reasons"] == ["NL4-undeclared-mobile", "NL4-no-consent", "NL4-no-impact-assessment"]
    assert public["level"] == "general-3"
    assert (public["from"], public["to"]) == ("SUBMITTED", "BLOCKED")
    assert (public["actor"], public["role"]) == (house.operator.org_id, "EXCHANGE_OPERATOR")
    await refused(house, "listing-wrong-state", publish(house, listing), listing)
    await refused(house, "listing-not-on-offer", ask(house, seller, listing), listing)


async def test_persons_offered_as_anonymised_are_a_clue_from_the_log_alone(house, seller, tmp_path):
    anonymised = {"personal": PersonalData(contained=True, anonymised=True)}
    honest = await submitted(house, seller, declared=anonymised)
    hidden = await submitted(house, seller, MOBILES, declared=anonymised)
    assert (honest.status, hidden.status, hidden.reasons) == (
        "COMPLIANCE_REVIEW",
        "BLOCKED",
        ["NL4-not-anonymised"],
    )
    scene = SimpleNamespace(house=house, database=house.database, clock=house.clock)
    told = await exported(scene, tmp_path / "told")
    assert {row["listing_id"]: row["outcome"] for row in told.tables["screenings"]} == {
        honest.listing_id: "passed",
        hidden.listing_id: "failed",
    }
    assert b"13800130101" not in told.public
    (finding,) = told.found(pi_not_anonymised.RULE)
    assert (finding.subjects, finding.severity) == ((seller.org_id,), "medium")
    assert finding.objects == tuple(sorted((hidden.product_id, hidden.listing_id)))
    assert finding.statistic == {"screens": 1, "trades": 0, "amount_minor": "0"}
    (seq,) = [row["seq"] for row in told.tables["screenings"] if row["outcome"] == "failed"]
    assert finding.evidence_seqs == (seq,)


async def test_what_the_provider_declares_itself_is_blocked_too(house, seller):
    declared = {"source": Source.PUBLIC_CRAWL, "rights": frozenset({Right.HOLD}), "ownership_disputed": True}
    listing = await submitted(house, seller, declared=declared)
    assert (listing.status, listing.reasons) == ("BLOCKED", ["NL8-ownership-disputed"])


async def test_public_data_without_a_grant_is_blocked(house, seller):
    listing = await submitted(house, seller, public_data=True, cap_minor=76_000_000)
    assert (listing.status, listing.reasons) == ("BLOCKED", ["NL5-public-data-without-grant"])


async def test_personal_data_with_its_bases_goes_to_a_joint_review_at_the_level_that_was_seen(house, seller):
    personal = PersonalData(contained=True, consented=True, impact_assessed=True)
    listing = await submitted(house, seller, MOBILES, declared={"personal": personal})
    assert (listing.status, listing.level) == ("COMPLIANCE_REVIEW", Level.GENERAL_3)
    for number in (1, 2):
        listing = await review(house, listing, Decision.APPROVE, user_id=f"usr_{number}")
        assert listing.status == "COMPLIANCE_REVIEW"
    listing = await review(house, listing, Decision.APPROVE, user_id="usr_3")
    assert listing.status == "APPROVED"
    assert (await events(house.database, listing.listing_id))[-3:] == ["LST.APPROVE"] * 3
    public, _ = await said(house.database, "LST.APPROVE", listing.listing_id)
    assert (public["reviews"], public["from"], public["to"]) == (3, "COMPLIANCE_REVIEW", "APPROVED")
    async with house.database.read() as s:
        reviews = await reviews_of(s, listing_id=listing.listing_id)
    assert [(r.reviewer, r.decision, r.review_round) for r in reviews] == [
        ("usr_1", "APPROVE", 1),
        ("usr_2", "APPROVE", 1),
        ("usr_3", "APPROVE", 1),
    ]


async def test_one_member_does_not_count_twice(house, seller):
    personal = PersonalData(contained=True, consented=True, impact_assessed=True)
    listing = await submitted(house, seller, MOBILES, declared={"personal": personal})
    await review(house, listing, Decision.APPROVE, user_id="usr_1")
    again = review(house, listing, Decision.APPROVE, user_id="usr_1")
    await refused(house, "reviewed-before", again, listing)


async def test_nobody_reviews_what_their_own_organisation_submitted(house, seller, database):
    listing = await submitted(house, seller)
    # No admission gives an organisation both roles; a key that could speak in both would still be refused.
    async with database.write() as s:
        await s.exec(
            update(Listing)
            .where(Listing.listing_id == listing.listing_id)
            .values(seller_id=house.operator.org_id)
        )
    await refused(
        house, "reviewer-is-submitter", review(house, listing, Decision.APPROVE, user_id="usr_1"), listing
    )


async def test_nobody_reviews_what_they_submitted_as_a_person(house, seller, database):
    listing = await submitted(house, seller)
    async with database.write() as s:
        await s.exec(
            update(Listing).where(Listing.listing_id == listing.listing_id).values(submitter="usr_1")
        )
    await refused(
        house, "reviewer-is-submitter", review(house, listing, Decision.APPROVE, user_id="usr_1"), listing
    )


async def test_a_seller_reviews_nothing(house, seller):
    listing = await submitted(house, seller)
    await refused(
        house,
        "listing-wrong-role",
        seller.do(review_listing, listing_id=listing.listing_id, decision=Decision.APPROVE),
        listing,
    )


async def test_a_returned_listing_is_submitted_again_in_a_new_round(house, seller):
    listing = await submitted(house, seller)
    listing = await review(
        house, listing, Decision.RETURN, user_id="usr_1", reason_code="sample-unclear", note="补充样例"
    )
    assert (listing.status, listing.reasons) == ("DRAFT", ["sample-unclear"])
    _, opening = await said(house.database, "LST.RETURN", listing.listing_id)
    assert opening["note"] == "补充样例"
    listing = await submit(seller, listing)
    assert (listing.status, listing.review_round, listing.reasons) == ("COMPLIANCE_REVIEW", 2, [])
    listing = await review(house, listing, Decision.APPROVE, user_id="usr_1")
    assert listing.status == "APPROVED"
    async with house.database.read() as s:
        assert len(await rights_in(s, product_id=listing.product_id)) == 1


async def test_a_rejected_listing_is_at_its_end(house, seller):
    listing = await submitted(house, seller)
    listing = await review(house, listing, Decision.REJECT, reason_code="source-doubtful")
    assert listing.status == "REJECTED"
    await refused(house, "listing-wrong-state", submit(seller, listing), listing)


async def test_a_listing_is_not_submitted_without_its_materials(house, seller):
    listing = await drafted(seller)
    refusal = await refused(house, "listing-incomplete", submit(seller, listing), listing)
    assert refusal.facts == {"missing": ["quality_report"]}
    house.clock.advance(timedelta(hours=2))  # the same refusal within an hour would only be counted
    bare = {"source_statement_sha256": None, "basis_ref": None}
    refusal = await refused(house, "listing-incomplete", submit(seller, listing, **bare), listing)
    assert refusal.facts == {"missing": ["source_statement", "quality_report", "registration_or_reason"]}
    async with house.database.read() as s:
        assert await rights_in(s, product_id=listing.product_id) == []


async def test_a_file_that_does_not_pass_its_measurement_is_not_submitted(house, seller):
    listing = await drafted(seller, SPOILT)
    await measured(house, listing, SPOILT)
    await refused(house, "quality-too-low", submit(seller, listing), listing)


async def test_a_right_that_the_source_does_not_give_is_not_registered(house, seller):
    listing = await drafted(seller)
    await measured(house, listing)
    await refused(
        house,
        "right-not-registrable",
        submit(seller, listing, source=Source.ON_BEHALF),
        listing,
    )


async def test_nothing_is_submitted_without_a_price(house, seller):
    listing = await drafted(seller, list_price_minor=None)
    await measured(house, listing)
    await refused(house, "price-basis-missing", submit(seller, listing), listing)


async def test_public_data_is_not_submitted_above_its_cap(house, seller):
    listing = await drafted(
        seller, public_data=True, grant_id="grt_1", list_price_minor=8_001, cap_minor=8_000
    )
    await measured(house, listing)
    refusal = await refused(house, "price-above-cap", submit(seller, listing), listing)
    assert refusal.rule_id == "PRICE_CAP"
    assert refusal.facts == {"price_minor": "8001", "cap_minor": "8000"}


async def test_public_data_at_its_cap_is_listed_and_above_it_is_not(house, seller, database):
    listing = await submitted(
        house, seller, public_data=True, grant_id="grt_1", list_price_minor=8_000, cap_minor=8_000
    )
    for number in (1, 2, 3):
        listing = await review(house, listing, Decision.APPROVE, user_id=f"usr_{number}")
    await set_values(database, listing, cap_minor=7_999)
    await refused(house, "price-above-cap", publish(house, listing), listing)
    await set_values(database, listing, cap_minor=8_000)
    assert (await publish(house, listing)).status == "LISTED"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": "gossip"}, "listing-malformed"),
        ({"geo": "44"}, "listing-malformed"),
        ({"title": "  "}, "listing-malformed"),
        ({"quantity": 0}, "listing-malformed"),
        ({"list_price_minor": -1}, "price-out-of-bounds"),
    ],
)
async def test_a_malformed_draft_is_not_kept(house, seller, changes, code):
    with pytest.raises(Malformed) as caught:
        await drafted(seller, **changes)
    assert caught.value.code == code
    await nothing_listed(house)


async def test_no_scenario_no_registration(house, seller):
    file_id = await uploaded(seller)
    await refused(
        house, "scenario-missing", seller.do(draft_listing, offering=offering(scenario=" "), file_id=file_id)
    )
    await nothing_listed(house)


async def test_a_file_is_listed_once_and_by_its_owner(house, seller):
    listing = await drafted(seller)
    await refused(
        house,
        "file-listed-before",
        seller.do(draft_listing, offering=offering(), file_id=listing.file_id),
        listing,
    )
    other = await house.admit("别家数科", {"PROVIDER"})
    with pytest.raises(NotFound) as caught:
        await other.do(draft_listing, offering=offering(), file_id=listing.file_id)
    assert caught.value.code == "file-unknown"


async def test_a_listing_does_not_exist_for_another_seller(house, seller):
    listing = await listed(house, seller)
    other = await house.admit("别家数科", {"PROVIDER"})
    for attempt in (submit(other, listing), other.do(withdraw_listing, listing_id=listing.listing_id)):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "listing-unknown"
    assert (await now(house, listing)).status == "LISTED"


async def test_a_known_product_is_offered_again_by_another_holder_of_the_right(house, seller):
    first = await listed(house, seller)
    other = await house.admit("别家数科", {"PROVIDER"})
    file_id = await uploaded(other, salt="again")
    about = {"offering": offering(), "file_id": file_id, "product_id": first.product_id}
    second = await other.do(draft_listing, **about)
    assert second.product_id == first.product_id
    await measured(house, second)
    second = await submit(other, second)
    async with house.database.read() as s:
        rights = await rights_in(s, product_id=first.product_id)
        products = (await s.exec(select(Product))).all()
    assert {right.holder_id for right in rights} == {seller.org_id, other.org_id}
    assert len(products) == 1


async def test_suspension_takes_a_listing_off_offer_at_once_and_its_authority_brings_it_back(house, seller):
    listing = await listed(house, seller)
    regulator = await house.admit("市场监管局", {"SAMR"})
    facts = {"listing_id": listing.listing_id, "reason_code": "complaint-upheld"}
    suspended = await regulator.do(suspend_listing, **facts, case_id="cse_1")
    assert (suspended.status, suspended.suspended_by) == ("SUSPENDED", "SAMR")
    public, _ = await said(house.database, "LST.SUSPEND", listing.listing_id)
    assert (public["reason_code"], public["case_id"], public["role"]) == (
        "complaint-upheld",
        "cse_1",
        "SAMR",
    )
    assert await on_offer(house) == ([], {})
    await refused(house, "listing-not-on-offer", ask(house, seller, listing), listing)
    await refused(house, "listing-wrong-role", house.operator.do(resume_listing, **facts), listing)
    resumed = await regulator.do(resume_listing, **facts)
    assert (resumed.status, resumed.suspended_by) == ("LISTED", None)
    found, counts = await on_offer(house)
    assert found == [listing.listing_id]
    assert counts["category"] == {"energy": 1}


async def test_a_seller_cannot_suspend_and_the_operator_cannot_withdraw(house, seller):
    listing = await listed(house, seller)
    facts = {"listing_id": listing.listing_id, "reason_code": "x"}
    await refused(house, "listing-wrong-role", seller.do(suspend_listing, **facts), listing)
    assert await on_offer(house) == ([listing.listing_id], ALL_COUNTED)


async def test_a_withdrawn_listing_is_off_offer_for_good(house, seller):
    listing = await listed(house, seller)
    gone = await seller.do(withdraw_listing, listing_id=listing.listing_id, reason_code="product-ending")
    assert (gone.status, gone.delisted_at) == ("DELISTED", house.clock.now())
    assert await on_offer(house) == ([], {})
    await refused(house, "listing-wrong-state", publish(house, listing), listing)


async def test_a_right_that_falls_bites_at_once(house, seller, database):
    listing = await listed(house, seller)
    async with database.write() as s:
        row = await s.get(RightsRow, (listing.product_id, Right.OPERATE, seller.org_id))
        await s.delete(row)
    await refused(house, "right-not-held", ask(house, seller, listing), listing)


async def test_a_level_that_rises_bites_at_once(house, seller, database):
    listing = await listed(house, seller)
    async with database.write() as s:
        row = await s.get(ClassificationRow, listing.product_id)
        row.level = Level.IMPORTANT
        s.add(row)
    await refused(house, "level-channel-closed", ask(house, seller, listing), listing)
    await house.operator.do(suspend_listing, listing_id=listing.listing_id, reason_code="level-raised")
    resume = house.operator.do(resume_listing, listing_id=listing.listing_id, reason_code="again")
    await refused(house, "level-channel-closed", resume, listing)


async def test_an_upload_is_kept_with_its_owner_and_says_nothing_on_the_ledger(house, seller):
    before = await events(house.database, seller.org_id)
    file_id = await uploaded(seller)
    async with house.database.read() as s:
        row = await s.get(ListingFile, file_id)
    assert (row.owner_id, row.sha256, row.bytes, row.name) == (
        seller.org_id,
        stored().sha256,
        stored().bytes,
        "goods.csv",
    )
    assert await events(house.database, seller.org_id) == before


ALL_COUNTED = {
    "category": {"energy": 1},
    "geo": {"440000": 1},
    "price": {"500k-1m": 1},
    "product_type": {"DATASET": 1},
    "delivery": {"api": 1, "file": 1, "share": 1},
    "frequency": {"once": 1},
    "grade": {"90-up": 1},
    "purpose": dict.fromkeys(
        (
            "INTERNAL_USE",
            "MARKETING",
            "MODEL_TRAINING",
            "PRODUCT_DEVELOPMENT",
            "PUBLIC_SERVICE",
            "RESEARCH",
            "RISK_CONTROL",
        ),
        1,
    ),
}


async def on_offer(house) -> tuple[list[str], dict]:
    async with house.database.read() as s:
        page = await search(s, Query(text="用电"))
        return [listing.listing_id for listing in page.listings], await facets(s)


async def submit(party, listing, **declared):
    return await party.do(
        submit_listing,
        attempted="LST.SUBMIT",
        object_id=listing.listing_id,
        listing_id=listing.listing_id,
        compliance=compliance(**declared),
    )


async def publish(house, listing):
    return await house.operator.do(
        publish_listing, attempted="LST.LIST", object_id=listing.listing_id, listing_id=listing.listing_id
    )


async def ask(house, party, listing):
    async def asked(s, act, *, listing_id):
        del act
        return await require_listed(s, listing_id=listing_id)

    return await party.do(asked, attempted="TRD.INQUIRE", listing_id=listing.listing_id)


async def set_values(database, listing, **values):
    async with database.write() as s:
        await s.exec(update(Listing).where(Listing.listing_id == listing.listing_id).values(**values))


async def nothing_listed(house):
    async with house.database.read() as s:
        assert (await s.exec(select(Listing.listing_id))).all() == []
        assert (await s.exec(select(Product.product_id))).all() == []
