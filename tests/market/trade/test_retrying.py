"""A job that was given up is tried again on the operator's word, once, and on nobody else's."""

from datetime import timedelta

from base.jobs import JobStatus, backlog, dead_jobs, enqueue, run_due
from ledger.reader import opening, statements_of
from market.orders.errors import TradeWrongRole
from market.trade.retrying import JobNotGivenUp, retry_job
from tests.base.work import row
from tests.market.trade.scene import Scene, both
from tests.standstill import refused

KIND, KEY = "test.work", "trd_1:job_2"


class Work:
    """Fails until it is mended."""

    def __init__(self) -> None:
        self.mended, self.done = False, 0

    async def do(self, s, job) -> None:
        del s, job
        if not self.mended:
            raise RuntimeError("the disk is full")
        self.done += 1


async def given_up(scene: Scene) -> Work:
    work = Work()
    async with scene.database.write() as s:
        await enqueue(s, kind=KIND, key=KEY, run_at=scene.clock.now(), payload={})
    for _ in range(9):
        await run_due(scene.database, scene.clock.now(), {KIND: work.do})
        scene.clock.advance(timedelta(hours=1))
    return work


async def again(scene: Scene, who=None):
    return await (who or scene.house.operator).do(
        retry_job, attempted="JOB.RETRY", object_id=f"job/{KIND}", kind=KIND, key=KEY
    )


async def test_a_job_that_was_given_up_is_tried_again_and_done(scene):
    work = await given_up(scene)
    async with scene.database.read() as s:
        (dead,) = await dead_jobs(s)
    assert (dead.key, dead.attempts) == (KEY, 8)
    async with refused(scene.database, TradeWrongRole):
        await again(scene, scene.seller)
    work.mended = True
    answers = await both(again(scene), again(scene))
    assert sorted(type(answer).__name__ for answer in answers) == ["JobNotGivenUp", "JobRow"]
    async with scene.database.read() as s:
        (said,) = [one for one in await statements_of(s, object_id=f"job/{KIND}") if one.event == "JOB.RETRY"]
        private = await opening(s, sha256=said.opening_sha256)
        assert (await backlog(s, now=scene.clock.now())).dead == 0
    assert (said.predicate["kind"], said.org_id) == (KIND, scene.house.operator.org_id)
    assert KEY not in str(said.predicate)
    assert (private["key"], private["last_error"]) == (KEY, "RuntimeError: the disk is full")
    await run_due(scene.database, scene.clock.now(), {KIND: work.do})
    assert work.done == 1
    assert (await row(scene.database, KEY, KIND)).status is JobStatus.DONE
    async with refused(scene.database, JobNotGivenUp):
        await again(scene)


async def test_what_fails_again_has_all_its_attempts_and_is_given_up_again(scene):
    work = await given_up(scene)
    await again(scene)
    for _ in range(7):
        await run_due(scene.database, scene.clock.now(), {KIND: work.do})
        scene.clock.advance(timedelta(hours=1))
    assert (await row(scene.database, KEY, KIND)).status is JobStatus.QUEUED
    await run_due(scene.database, scene.clock.now(), {KIND: work.do})
    assert (await row(scene.database, KEY, KIND)).status is JobStatus.DEAD
