"""No listing with personal data without its impact assessment and security review, and none stays without."""

from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.listings.service import require_listed
from registry.assessments import reviewing
from registry.grading.errors import AssessmentMissing
from registry.grading.states import AssessmentState
from registry.grading.tables import AssessmentRow
from registry.rules import PersonalData
from tests.market.listings.goods import MOBILES, drafted, listed, measured, recorded
from tests.market.trade.test_levels import act_of, submit
from tests.standstill import refused

PERSONAL = PersonalData(True, True, True, True)


async def of_kind(scene, product_id, kind, **values):
    """Change the assessment of this kind, as something else would have."""
    of = col(AssessmentRow.object_id) == product_id, col(AssessmentRow.kind) == kind
    async with scene.database.write() as s:
        await s.exec(update(AssessmentRow).where(*of).values(**values))


async def test_a_submission_needs_both_for_listing_and_of_this_very_file(sqlite_scene):
    scene = sqlite_scene
    draft = await drafted(scene.seller, MOBILES, salt="assessed")
    await measured(scene.house, draft, MOBILES)
    personal = await recorded(scene.seller, draft, PERSONAL)
    late = scene.clock.now() - timedelta(seconds=1)
    async with scene.database.read() as s:
        of_product = select(AssessmentRow.file_sha256).where(AssessmentRow.object_id == draft.product_id)
        (file_sha256,) = set((await s.exec(of_product)).all())
    for kind, values, why in (
        ("SECURITY_REVIEW", {"status": AssessmentState.SUBMITTED}, "none"),
        ("SECURITY_REVIEW", {"status": AssessmentState.STANDING, "uses": ["EXPORT"]}, "another-use"),
        ("SECURITY_REVIEW", {"uses": ["LISTING"], "due_at": late}, "finding-overdue"),
        ("SECURITY_REVIEW", {"due_at": None, "file_sha256": "f" * 64}, "another-file"),
        ("SECURITY_REVIEW", {"file_sha256": None}, "no-file"),
    ):
        await of_kind(scene, draft.product_id, kind, **values)
        async with refused(scene.database, AssessmentMissing) as caught:
            await submit(scene.seller, draft, personal)
        assert (caught.value.facts["kind"], caught.value.facts["why"]) == (kind, why)
    await of_kind(scene, draft.product_id, "SECURITY_REVIEW", file_sha256=file_sha256)
    assert (await submit(scene.seller, draft, personal)).status is ListingState.COMPLIANCE_REVIEW


async def test_what_is_on_offer_falls_with_its_assessment_before_and_after_the_job(sqlite_scene):
    scene = sqlite_scene
    listing = await listed(scene.house, scene.seller, MOBILES, salt="falls", declared={"personal": PERSONAL})
    assessment_id = listing.materials["personal"]["assessment_id"]
    about = {"assessment_id": assessment_id, "reason": "停用"}
    await act_of(scene, scene.seller, None, "PROVIDER", reviewing.end, **about)
    async with scene.database.write() as s:
        with pytest.raises(AssessmentMissing) as caught:
            await require_listed(s, listing_id=listing.listing_id)
    assert caught.value.facts["why"] == "ended"
    await scene.run_jobs()
    async with scene.database.read() as s:
        now = await get_listing(s, listing_id=listing.listing_id)
    assert (now.status, now.reasons) == (ListingState.SUSPENDED, ["ASSESSMENT_LOST"])
