"""The child that draws: kept, bounded, without a secret, and nobody waits for it long."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from web.charts.drawing import Drawing, NotDrawn

SPEC = {"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"x": {"field": "a"}}}


@pytest.fixture
def drawing():
    one = Drawing(patience_s=120)
    yield one
    one.close()


async def test_one_child_draws_all_and_is_started_again_when_it_was_killed(drawing, monkeypatch) -> None:
    monkeypatch.setenv("DATABOURSE_MASTER_KEY", "secret")
    first = await drawing.draw(SPEC)
    assert first.startswith(b"<svg")
    pid = drawing.pid
    environment = await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes)
    assert b"DATABOURSE" not in environment
    with pytest.raises(NotDrawn):
        await drawing.draw(SPEC | {"mark": "no such mark"})
    assert (await drawing.draw(SPEC, "png")).startswith(b"\x89PNG")
    assert (await drawing.draw(SPEC, "pdf")).startswith(b"%PDF")
    assert drawing.pid == pid  # a chart that is refused ends nothing
    os.kill(pid, signal.SIGKILL)
    assert await drawing.draw(SPEC) == first  # kept: no child is asked
    assert drawing.pid == pid
    other = await drawing.draw(SPEC | {"width": 50})
    assert other != first
    assert drawing.pid != pid


async def test_nobody_waits_for_a_child_that_says_nothing() -> None:
    silent = Drawing(patience_s=0.2, module="tests.web.charts.silent")
    with pytest.raises(NotDrawn):
        await silent.draw(SPEC)
    assert silent.pid is None  # ended, and not started anew for the next one
    with pytest.raises(NotDrawn, match="at the moment"):
        await silent.draw(SPEC)
    assert silent.pid is None


async def test_a_child_that_cannot_start_is_no_chart() -> None:
    broken = Drawing(module="tests.web.charts.no_such_module")
    with pytest.raises(NotDrawn):
        await broken.draw(SPEC)


async def test_the_line_before_the_child_is_bounded() -> None:
    full = Drawing(most_waiting=0)
    with pytest.raises(NotDrawn, match="too many"):
        await full.draw(SPEC)
    assert full.pid is None


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    small = Drawing(kept_bytes=5)
    for key in (b"a", b"b", b"c"):
        small.keep(key, b"12")
    assert [small.kept(key) for key in (b"a", b"b", b"c")] == [None, b"12", b"12"]


async def test_who_comes_late_ends_no_child_that_is_well(drawing) -> None:
    await drawing.draw(SPEC)
    pid = drawing.pid
    with pytest.raises(NotDrawn, match="at the moment"):
        drawing._drawn(b"key", b"{}", time.monotonic() + 1.5)
    assert drawing.pid == pid
    assert (await drawing.draw(SPEC, "png")).startswith(b"\x89PNG")
