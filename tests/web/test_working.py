"""Long work: any worker sees how far it is and calls it off; what is broken off is known as such."""

import asyncio
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from base.clock import SimulatedClock
from base.errors import Malformed
from base.signing import SigningKey
from tests.web.nodes import settings_in
from web.working import Hand, JobUnknown, TooMuchAtOnce, Wanted, Working

WANTED = Wanted("check", "org_a", "usr_a", ("export", "audit"), {"log": None})


@pytest.fixture
def working(tmp_path) -> Working:
    clock = SimulatedClock(datetime(2026, 11, 16, 1, tzinfo=UTC))
    return Working(settings_in(tmp_path, SigningKey.generate()), clock)


def another(working: Working) -> Working:
    """Another worker of the same node."""
    return Working(working.settings, working.clock)


async def test_a_job_tells_how_far_it_is_and_what_came_of_it(working) -> None:
    go = asyncio.Event()

    async def work(hand: Hand) -> dict:
        hand.at("audit", 3, 10)
        await go.wait()
        (hand.folder / "report.json").write_bytes(b"{}")
        return {"files": [{"name": "report.json"}]}

    job = working.begin(WANTED, work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    seen = another(working).job(job.job_id)
    assert (seen.status, seen.stage, seen.done, seen.total) == ("running", "audit", 3, 10)
    with pytest.raises(JobUnknown):
        working.file(job.job_id, "report.json")
    go.set()
    await working.wait(job.job_id)
    seen = another(working).job(job.job_id)
    assert (seen.status, seen.asked, seen.error) == ("done", {"log": None}, "")
    assert another(working).file(job.job_id, "report.json").read_bytes() == b"{}"
    for other in ("job.json", "lock", "../job.json"):
        with pytest.raises(JobUnknown):
            working.file(job.job_id, other)
    working.note_fetch(job.job_id, org_id="org_b", user_id="usr_b", name="report.json")
    (fetched,) = another(working).fetched(job.job_id)
    assert (fetched["org_id"], fetched["at"]) == ("org_b", "2026-11-16T01:00:00.000Z")


async def test_a_job_is_called_off_from_another_worker(working) -> None:
    async def forever(hand: Hand) -> dict:
        hand.at("export")
        await asyncio.Event().wait()
        return {}

    job = working.begin(WANTED, forever)
    await asyncio.sleep(0)
    await another(working).cancel(job.job_id)
    await working.wait(job.job_id)
    assert working.job(job.job_id).status == "cancelled"


async def test_an_organisation_has_two_jobs_under_way_at_most(working) -> None:
    async def forever(_: Hand) -> dict:
        await asyncio.Event().wait()
        return {}

    jobs = [working.begin(WANTED, forever) for _ in range(2)]
    with pytest.raises(TooMuchAtOnce):
        another(working).begin(WANTED, forever)
    assert len(list(working.folder.iterdir())) == 2
    elsewhere = working.begin(Wanted("check", "org_b", "usr_b", ()), forever)
    for job in (*jobs, elsewhere):
        await working.cancel(job.job_id)
        await working.wait(job.job_id)


async def test_what_fails_says_why_and_a_surprise_says_its_name_alone(working) -> None:
    async def refused(_: Hand) -> dict:
        raise Malformed("not a table", column="x")

    async def surprised(_: Hand) -> dict:
        raise RuntimeError("a secret")

    for work, error, code in ((refused, "not a table", "malformed"), (surprised, "RuntimeError", "")):
        job = working.begin(WANTED, work)
        await working.wait(job.job_id)
        seen = working.job(job.job_id)
        assert (seen.status, seen.error, seen.code) == ("failed", error, code)
    with pytest.raises(Malformed):
        await working.attend(WANTED, refused)
    assert len(working.jobs()) == 2  # what was awaited to its end leaves no job


async def test_short_work_is_awaited_and_long_work_gets_a_job(working) -> None:
    async def short(_: Hand) -> dict:
        return {}

    async def long(_: Hand) -> dict:
        await asyncio.Event().wait()
        return {}

    assert await working.attend(WANTED, short) is None
    working.patience_s = 0
    job_id = await working.attend(WANTED, long)
    assert working.job(job_id).running
    await working.cancel(job_id)
    await working.wait(job_id)


async def test_a_job_whose_process_is_gone_has_failed_and_old_ones_are_forgotten(working) -> None:
    async def short(_: Hand) -> dict:
        return {}

    job = working.begin(WANTED, short)
    await working.wait(job.job_id)
    path = working.folder / job.job_id / "job.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | {"status": "running"}))
    seen = working.job(job.job_id)
    assert (seen.status, seen.error) == ("failed", "the job was broken off")
    assert [one.job_id for one in working.jobs("check")] == [job.job_id]
    assert list(working.jobs("pack")) == []
    working.clock.advance(timedelta(days=31))
    assert list(working.jobs()) == []
    for unknown in (job.job_id, "job_x", "..", "job_" + "0" * 26):
        with pytest.raises(JobUnknown):
            working.job(unknown)


async def test_many_jobs_of_one_organisation_do_not_push_out_those_of_another(working, monkeypatch) -> None:
    async def short(_: Hand) -> dict:
        return {}

    monkeypatch.setattr("web.working.MOST_KEPT", 2)
    wanted = [Wanted("pack", "org_b", "usr_b", ()), *[Wanted("measure", "org_a", "usr_a", ())] * 4]
    for one in wanted:
        working.clock.advance(timedelta(seconds=1))
        await working.wait(working.begin(one, short).job_id)
    assert [job.kind for job in working.jobs()] == ["measure", "measure", "pack"]


async def test_a_job_that_ends_between_two_looks_is_not_called_broken_off(working, monkeypatch) -> None:
    go = asyncio.Event()

    async def work(_: Hand) -> dict:
        await go.wait()
        return {}

    job = working.begin(WANTED, work)
    state = working.folder / job.job_id / "job.json"
    under_way = state.read_bytes()
    go.set()
    await working.wait(job.job_id)
    over = state.read_bytes()
    state.write_bytes(under_way)

    def ended_meanwhile(_: str) -> bool:
        state.write_bytes(over)
        return False

    monkeypatch.setattr(working, "_is_locked", ended_meanwhile)
    assert working.job(job.job_id).status == "done"


async def test_what_a_killed_job_left_is_swept_at_the_next_start(working) -> None:
    going = asyncio.Event()

    async def work(hand: Hand) -> dict:
        (hand.folder / "bundle").mkdir()
        (hand.folder / "bundle" / "entries").write_bytes(b"with openings")
        (hand.folder / "bundle.zip").write_bytes(b"half of it")
        going.set()
        await asyncio.Event().wait()
        return {}

    job = working.begin(WANTED, work)
    await going.wait()
    folder = working.folder / job.job_id
    another(working).sweep()
    assert (folder / "bundle" / "entries").exists()  # it is under way
    kept = (folder / "job.json").read_bytes()
    await working.cancel(job.job_id)
    (folder / "job.json").write_bytes(kept)  # as it stands when the process is killed
    another(working).sweep()
    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "lock"]
    seen = another(working).job(job.job_id)
    assert (seen.status, seen.error) == ("failed", "the job was broken off")
