"""Long logs: worker processes, trades that go on at once, and what an audit takes in time and memory."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from base.signing import SigningKey
from ledger.bundle import Edition
from supervision import audit_reading, audit_workers
from supervision.audit import audit
from supervision.audit_tile import Work, examine
from supervision.audit_workers import Workers
from tests.ledger.audited import first
from tests.ledger.long_log import write_long_log
from tests.ledger.make_bundle import ORIGIN, VKEY, copied, resign

SIZE = 8_000
MILLION = 1_000_000
TEN_MILLIONS_BYTES = 16 * 10**9
WORKERS = min(os.cpu_count() or 1, audit_reading._MOST_WORKERS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "bundle"
    write_long_log(path, SIZE)
    return path


def test_a_long_log_is_clean_by_workers_and_without(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several = audit(bundle, [VKEY])
    assert (several.clean, several.entries) == (True, SIZE)
    assert several.signatures > SIZE
    monkeypatch.setattr(audit_reading, "_WORTH_WORKERS", 10**9)
    assert audit(bundle, [VKEY]).document() == several.document()


@pytest.mark.parametrize("seq", [300, 5_000, SIZE - 1])
def test_workers_find_what_one_process_finds(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seq: int
) -> None:
    """A signature of an entry is bent, and everything made anew over it."""
    changed = copied(bundle, tmp_path / "b")
    path = next((changed / "tile/entries").rglob(f"{seq // 256:03}*"))
    path = path if path.is_file() else next(path.iterdir())
    data = bytearray(path.read_bytes())
    place = 0
    for _ in range(seq % 256):
        place += 2 + int.from_bytes(data[place : place + 2])
    at = data.index(b'"sig":"', place) + 10
    data[at] = ord("A") if data[at] != ord("A") else ord("B")
    path.write_bytes(data)
    resign(changed)
    several = audit(changed, [VKEY])
    assert first(several) == ("HASH", seq)
    assert ("SIG", seq) in {(problem.code, problem.seq) for problem in several.problems}
    monkeypatch.setattr(audit_reading, "_WORTH_WORKERS", 10**9)
    assert audit(changed, [VKEY]).document() == several.document()


def test_the_verdict_does_not_depend_on_a_worker_s_life(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_workers, "_SERVE", "import os; os._exit(7)")
    report = audit(bundle, [VKEY])
    assert (report.clean, report.entries) == (True, SIZE)


def test_workers_take_no_module_from_where_the_auditor_stands(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's folder may hold an `orjson.py`."""
    (tmp_path / "orjson.py").write_text("open('taken', 'w').close()")
    monkeypatch.chdir(tmp_path)
    assert audit(bundle, [VKEY]).clean
    assert not (tmp_path / "taken").exists()


def test_workers_end_with_the_audit(bundle: Path) -> None:
    data = (bundle / "tile/entries/001").read_bytes()
    known = [("0" * 64, SigningKey.generate().public)]
    with Workers(2, known) as workers:
        processes = [worker._process for worker in workers._all]
        work = Work(1, 256, ORIGIN, True, data)
        batch = workers.examine(work)
        assert batch.marks == examine(work, {}).marks
        assert [one.predicate for one in batch.said] == [one.predicate for one in examine(work, {}).said]
    assert [process.returncode for process in processes] == [0, 0]


def test_a_long_log_is_gone_on_with(bundle: Path, tmp_path: Path) -> None:
    write_long_log(tmp_path / "early", 5_000)
    assert audit(tmp_path / "early", [VKEY], state=tmp_path / "state").clean
    report = audit(bundle, [VKEY], state=tmp_path / "state")
    assert (report.clean, report.resumed_from) == (True, 4_864)
    whole = audit(bundle, [VKEY])
    assert report.document()["checked"] == whole.document()["checked"] | {"anchors": 1}


def test_the_same_seed_makes_the_same_log_and_another_another(tmp_path: Path) -> None:
    roots = [write_long_log(tmp_path / str(at), 600, seed=seed) for at, seed in enumerate((1, 1, 2))]
    assert roots[0] == roots[1] != roots[2]


AUDIT = """
import json, resource, sys, time
from pathlib import Path
from ledger.checkpoint import VerifierKey
from supervision.audit import audit
began = time.monotonic()
report = audit(Path(sys.argv[1]), [VerifierKey.parse(sys.argv[2])], state=Path(sys.argv[3]))
usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "clean": report.clean, "entries": report.entries, "resumed_from": report.resumed_from,
    "clock_s": round(time.monotonic() - began, 1),
    "processor_s": round(sum(one.ru_utime + one.ru_stime for one in usage), 1),
    "own_mib": usage[0].ru_maxrss // 1024, "worker_mib": usage[1].ru_maxrss // 1024,
}))
"""


@pytest.mark.soak
def test_a_million_entries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In bounded memory: what grows with the entries leaves ten millions below one GiB."""
    sizes, taken = (MILLION // 10, MILLION), []
    for size in sizes:
        out = tmp_path / str(size)
        began = time.monotonic()
        write_long_log(out, size, edition=Edition.REGULATOR)
        written = round(time.monotonic() - began, 1)
        arguments = [sys.executable, "-c", AUDIT, str(out), str(VKEY), str(tmp_path / f"{size}.state")]
        for _ in range(2):  # the second goes on from the first
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)
            with capsys.disabled():
                sys.stdout.write(f"\n{size:,} entries, written in {written} s: {done.stdout}")
            assert (found["clean"], found["entries"]) == (True, size)
            taken.append(found)
    small, _, large, again = taken
    assert again["resumed_from"] == MILLION - MILLION % 256
    an_entry = (large["own_mib"] - small["own_mib"]) / (MILLION - MILLION // 10)
    at_ten_millions = large["own_mib"] + an_entry * 9 * MILLION + WORKERS * large["worker_mib"]
    with capsys.disabled():
        told = f"{an_entry * 1024 * 1024:.0f} bytes an entry, {at_ten_millions:.0f} MiB at ten millions\n"
        sys.stdout.write(told)
    assert at_ten_millions < 1024


@pytest.mark.soak
def test_ten_million_entries(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the above reckons, measured: an hour or two, and sixteen GB of disk while it lasts."""
    if shutil.disk_usage(tmp_path).free < 2 * TEN_MILLIONS_BYTES:
        pytest.skip("there is no room for a bundle of ten million entries")
    size, out = 10 * MILLION, tmp_path / "bundle"
    try:
        write_long_log(out, size, edition=Edition.REGULATOR)
        for resumed in (None, size - size % 256):
            arguments = [sys.executable, "-c", AUDIT, str(out), str(VKEY), str(tmp_path / "state")]
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)
            with capsys.disabled():
                sys.stdout.write(f"\n{size:,} entries: {done.stdout}")
            assert (found["clean"], found["entries"], found["resumed_from"]) == (True, size, resumed)
            assert found["own_mib"] + WORKERS * found["worker_mib"] < 1024
    finally:
        shutil.rmtree(out, ignore_errors=True)
