"""Runs of supervision: one at a time, what fails says why, what is broken off is told as such."""

from datetime import UTC, datetime

import orjson
import pytest

from base.clock import SimulatedClock, rfc3339
from cli.main import load
from tests.web.nodes import settings_in
from web import supervising
from web.supervising import FAILED, NoFindingsYet, Supervising, SupervisionRunning


@pytest.fixture
def runs(tmp_path) -> Supervising:
    from base.signing import SigningKey

    clock = SimulatedClock(datetime(2026, 11, 16, 1, tzinfo=UTC))
    return Supervising(settings_in(tmp_path, SigningKey.generate()), clock)


async def test_a_second_run_is_refused_while_one_goes_on(runs, monkeypatch) -> None:
    said = []

    async def slow(arguments, environment) -> str:
        said.append((arguments[0], environment["DATABOURSE_DATA_DIR"]))
        return ""

    monkeypatch.setattr(supervising, "_child", slow)
    assert runs.state() is None
    runs.start()
    with pytest.raises(SupervisionRunning):
        runs.start()
    with pytest.raises(SupervisionRunning):
        Supervising(runs.settings, runs.clock).start()  # another worker
    assert runs.state().running
    await runs.wait()
    stages = ("export", "evidence", "supervise", "analyse")
    assert said == [(stage, str(runs.settings.data_dir)) for stage in stages]
    assert runs.state().stage == "done"
    runs.start()
    await runs.wait()


async def test_a_stage_that_fails_ends_the_run_with_its_last_words(runs, monkeypatch) -> None:
    async def failing(arguments, environment) -> str:
        del environment
        return "" if arguments[0] == "export" else "no openings"

    monkeypatch.setattr(supervising, "_child", failing)
    runs.start()
    await runs.wait()
    state = runs.state()
    assert (state.stage, state.error) == (FAILED, "no openings")
    assert not (runs.folder / "work").exists()


async def test_a_child_is_the_programs_own_command_line(runs) -> None:
    said = await supervising._child(("supervise", "/no/such/folder"), runs.environment())
    assert "Traceback" not in said
    assert said != ""
    assert await supervising._child(("--help",), runs.environment()) == ""


def test_every_stage_says_what_its_command_takes(runs) -> None:
    """`make soak` runs them all (`test_regulator`); what a command does is shown where it is made."""
    stages = dict(runs._stages(runs.folder / "work"))
    (runs.folder / "work" / "bundle").mkdir(parents=True)
    (runs.folder / "work" / "evidence").mkdir()
    for name, (command, *arguments) in stages.items():
        read = load(command).make_context(command, list(arguments)).params
        assert {str(value) for value in read.values()} >= {
            said for said in arguments if not said.startswith("--")
        }, name
    assert list(stages) == ["export", "evidence", "supervise", "analyse"]


def test_a_run_whose_process_is_gone_has_failed(runs) -> None:
    runs.folder.mkdir(parents=True)
    now = rfc3339(runs.clock.now())
    document = {"stage": "evidence", "started_at": now, "changed_at": now, "error": ""}
    (runs.folder / "run.json").write_bytes(orjson.dumps(document))
    assert runs.state().stage == FAILED
    (runs.folder / "run.json").write_bytes(b"{}")
    assert runs.state() is None


async def test_findings_that_cannot_be_read_are_none(runs) -> None:
    with pytest.raises(NoFindingsYet):
        await runs.report()
    runs.folder.mkdir(parents=True)
    runs.findings.write_bytes(b"{}")
    with pytest.raises(NoFindingsYet):
        await runs.report()
