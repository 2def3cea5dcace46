"""`databourse pull`: what has come is kept whatever happens; what is not what was sold gets no name."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from typer.testing import CliRunner

from cli import pulling
from cli.main import app
from tests.cli.lines import Line

MIB: Final = 1 << 20
CONTENT: Final = (bytes(n * 31 % 251 for n in range(251)) * MIB)[: 9 * MIB // 4] * 4
PROBLEM: Final = b'{"code": "delivery-suspended", "title": "stopped", "detail": "an order suspends it"}'


def pull(line: Line, out: Path, *more: str, **environment: str) -> Any:
    command = ["pull", "ent_x", "--url", line.url, "--out", str(out), *more]
    return CliRunner().invoke(app, command, env={"DATABOURSE_TOKEN": "token"} | environment)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch) -> None:
    monkeypatch.setattr(pulling, "_FIRST_WAIT_S", 0.0)


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "goods.csv"


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


def test_a_file_is_there_whole_and_verified(out) -> None:
    with Line(CONTENT).serving() as line:
        done = pull(line, out)
        assert (done.exit_code, done.stdout) == (0, f"{out}: sha256 {line.sha256}\n")
        assert out.read_bytes() == CONTENT
        assert (left(out), line.asked) == (["goods.csv"], [None])
        assert out.stat().st_mode & 0o777 == 0o600
        again = pull(line, out)
        assert (again.exit_code, line.asked) == (2, [None])


def test_a_line_that_breaks_is_taken_up_where_it_broke(out) -> None:
    with Line(CONTENT, breaks=[3 * MIB + 5, 1, MIB]).serving() as line:
        done = pull(line, out)
        assert (done.exit_code, out.read_bytes() == CONTENT) == (0, True)
        ranges = [None, f"bytes={3 * MIB + 5}-", f"bytes={3 * MIB + 6}-", f"bytes={4 * MIB + 6}-"]
        assert line.asked == ranges
        assert "the line broke at 3145733 bytes" in done.stderr


def test_a_process_that_is_killed_goes_on_in_the_next(out) -> None:
    with Line(CONTENT, stalls_at=6 * MIB).serving() as line:
        command = [sys.executable, "-c", "from cli.main import app; app()", "pull", "ent_x"]
        child = subprocess.Popen(
            [*command, "--url", line.url, "--out", str(out)], env=os.environ | {"DATABOURSE_TOKEN": "token"}
        )
        assert line.stalled.wait(60)
        noted, ends = out.with_name("goods.csv.part.json"), time.monotonic() + 60
        while (upto := json.loads(noted.read_bytes())["bytes"]) < 4 * MIB:
            assert time.monotonic() < ends
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert left(out) == ["goods.csv.part", "goods.csv.part.json"]
        line.stalls_at = None
        done = pull(line, out)
        assert (done.exit_code, out.read_bytes() == CONTENT) == (0, True)
        assert line.asked == [None, f"bytes={upto}-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(out) -> None:
    part = pulling.Partial(out)
    part.begin('"another"')
    part.append([b"of another file" * 1000], lambda _: None)
    with Line(CONTENT).serving() as line:
        done = pull(line, out)
        assert (done.exit_code, out.read_bytes() == CONTENT) == (0, True)
        assert line.asked == ["bytes=15000-"]
        assert "another one by now" in done.stderr


@pytest.mark.parametrize("harm", ["changed", "cut", "no note"])
def test_a_damaged_partial_file_is_found_before_anything_is_asked(out, harm) -> None:
    with Line(CONTENT).serving() as line:
        part = pulling.Partial(out)
        part.begin(f'"{line.sha256}"')
        part.append([CONTENT[: 2 * MIB]], lambda _: None)
        held = bytearray(part.path.read_bytes())
        held[MIB] ^= 1
        part.path.write_bytes(held if harm == "changed" else CONTENT[:MIB])
        if harm == "no note":
            out.with_name("goods.csv.part.json").write_bytes(b"{}")
        done = pull(line, out)
        assert (done.exit_code, out.read_bytes() == CONTENT) == (0, True)
        assert line.asked == [None]
        assert "it is fetched anew" in done.stderr


def test_what_does_not_fit_its_digest_gets_no_name(out) -> None:
    with Line(CONTENT, digest="00" * 32).serving() as line:
        done = pull(line, out)
        assert (done.exit_code, left(out)) == (4, [])
        assert done.stderr.startswith("digest-differs: its SHA-256 is ")


def test_refusals_end_it_and_failures_do_not(out) -> None:
    with Line(CONTENT, answers=[(503, b"{}"), (502, b"gone")]).serving() as line:
        assert pull(line, out).exit_code == 0
        assert len(line.asked) == 3
        out.unlink()
        line.answers = [(409, PROBLEM)]
        done = pull(line, out)
        assert (done.exit_code, left(out)) == (1, [])
        assert done.stderr == "refused: delivery-suspended: an order suspends it\n"
        line.answers = [(409, b'{"code": "x", "title": "", "detail": "\\u001b[2Jgone\\n\\u202e"}')]
        assert pull(line, out).stderr == "refused: x: \ufffd[2Jgone\ufffd\ufffd\n"  # no terminal obeys it
        line.answers = [(503, b"{}")] * 3
        assert pull(line, out, "--retries", "2").exit_code == 3
        line.breaks = [MIB, 0, 0]
        assert pull(line, out, "--retries", "1").exit_code == 3
        assert left(out) == ["goods.csv.part", "goods.csv.part.json"]
        assert pull(line, out).exit_code == 0
    assert pull(line, out.with_name("other"), "--retries", "0").exit_code == 3


def test_without_a_token_or_a_login_it_does_not_begin(out) -> None:
    with Line(CONTENT).serving() as line:
        done = pull(line, out, DATABOURSE_TOKEN="")
        assert (done.exit_code, line.asked) == (2, [])


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(206),
        httpx.Response(206, headers={"content-range": "bytes 0-1/*"}),
        httpx.Response(200, headers={"content-length": "many"}),
        httpx.Response(416),
        httpx.Response(416, headers={"content-range": "bytes */many"}),
    ],
)
def test_an_answer_that_does_not_say_how_long_it_is_is_refused(out, answer) -> None:
    partial = pulling.Partial(out)
    partial.etag = answer.headers.get("etag", "")
    with pytest.raises(pulling.NotTheGoods):
        pulling._following(answer, partial, lambda _: None)


def test_a_partial_file_that_is_whole_needs_its_length_alone_and_one_without_it_is_fetched_anew(out) -> None:
    def whole() -> None:
        part = pulling.Partial(out)
        part.begin(f'"{line.sha256}"')
        part.append([CONTENT], lambda _: None)

    with Line(CONTENT).serving() as line:
        digest = base64.b64encode(bytes.fromhex(line.sha256)).decode()
        line.told = {"content-range": f"bytes */{len(CONTENT)}", "repr-digest": f"sha-256=:{digest}:"}
        line.answers = [(416, b"")]
        whole()
        assert (pull(line, out).exit_code, out.read_bytes() == CONTENT, len(line.asked)) == (0, True, 1)
        out.unlink()
        line.told["content-range"] = "bytes */*"
        line.answers = [(416, b"")]
        whole()
        assert (pull(line, out).exit_code, out.read_bytes() == CONTENT, len(line.asked)) == (0, True, 3)
        out.unlink()
        line.answers = [(416, b"")]
        done = pull(line, out)
        assert (done.exit_code, left(out)) == (4, [])
        assert done.stderr == "digest-differs: the exchange does not say how long it is\n"
