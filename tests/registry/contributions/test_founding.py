"""A contributor's registration carries its part of a joint product while it stands, and is its own."""

from datetime import timedelta

from sqlmodel import select

from base.jobs import JobRow
from registry.contributions import service
from registry.contributions.depending import require_agreed
from registry.contributions.errors import ContributionUnfounded
from registry.contributions.rules import Basis, BasisKind
from registry.ending import REFERENCE_FELL_JOB
from tests.registry.registration.conftest import desk, desks
from tests.standstill import refused

__all__ = ["desk", "desks"]


async def test_a_registration_carries_a_part_while_it_stands(desk):
    registered = await desk.registered()
    row = await desk.partner.do(
        service.ask_contribution,
        role="PROVIDER",
        product_id="prd_joint",
        contributor_id=desk.applicant.org_id,
        share_bp=2_500,
        what="工业用电量",
    )
    rival = await desk.partner.do(
        service.ask_contribution,
        role="PROVIDER",
        product_id="prd_other",
        contributor_id=desk.rival.org_id,
        share_bp=2_500,
        what="工业用电量",
    )
    basis = Basis(kind=BasisKind.REGISTRATION, reference=f" {registered.number.lower()} ")
    async with refused(desk.database, ContributionUnfounded):  # another's registration
        await desk.rival.do(
            service.agree_contribution,
            contribution_id=rival.contribution_id,
            basis=basis,
            attempted="CTB.AGREE",
        )
    agreed = await desk.applicant.do(
        service.agree_contribution, contribution_id=row.contribution_id, basis=basis, attempted="CTB.AGREE"
    )
    assert agreed.basis_reference == registered.number
    about = {"product_id": "prd_joint", "holder_id": desk.partner.org_id}
    async with desk.database.write() as s:
        await require_agreed(s, **about, now=registered.valid_to)

    desk.clock.move_to(registered.valid_to + timedelta(seconds=1))
    async with refused(desk.database, ContributionUnfounded):  # the end bites before the clock states it
        await desk.partner.do(require_agreed_now, **about)
    await desk.work()
    async with desk.database.read() as s:
        jobs = (await s.exec(select(JobRow.payload).where(JobRow.kind == REFERENCE_FELL_JOB))).all()
    assert jobs == [{"reference": registered.number}]


async def require_agreed_now(s, act, **about):
    await require_agreed(s, **about, now=act.now)
