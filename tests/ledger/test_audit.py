"""The auditor: an untouched bundle is clean; one changed byte is found, named and told why."""

import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.bundle import Edition
from ledger.checkpoint import NoteSigner, VerifierKey
from ledger.errors import NoteInvalid
from ledger.tree import leaf_hash, root_of
from supervision.audit import audit
from supervision.audit_report import Code
from tests.ledger import foreign_auditor
from tests.ledger.audited import first, long_story
from tests.ledger.make_bundle import ORIGIN, VKEY, Log, copied, key, resign, story


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_story().write(tmp_path_factory.mktemp("audit") / "bundle")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = story(1)
    log.kept = [5, 13]
    log.witnesses = [NoteSigner("witness.example", key("witness"))]
    return log.write(tmp_path_factory.mktemp("audit") / "bundle")


# --- the untouched bundle


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_an_untouched_bundle_is_clean(tmp_path: Path, name: str) -> None:
    log = long_story()
    report = audit(log.write(tmp_path / name), [VKEY])
    assert report.problems == []
    assert report.warnings == []
    assert report.document()["checked"] == {
        "entries": 792,
        "files": 19,
        "signatures": 797,
        "openings": 485,
        "openings_absent": 0,
        "anchors": 4,
        "cosignatures": 5,
    }
    assert (report.origin, report.size, report.edition) == (ORIGIN, 792, "regulator")
    assert report.root == root_of([leaf_hash(entry) for entry in log.entries()]).hex()


def test_the_public_edition_is_clean_without_openings(tmp_path: Path) -> None:
    report = audit(story().write(tmp_path / "b", edition=Edition.PUBLIC), [VKEY])
    assert report.clean
    assert (report.edition, report.openings, report.openings_absent) == ("public", 0, 29)


def test_an_empty_log_is_clean(tmp_path: Path) -> None:
    assert audit(Log().write(tmp_path / "b"), [VKEY]).clean


def test_an_auditor_of_another_house_accepts_it(honest: Path) -> None:
    size, root = foreign_auditor.audit(honest, str(VKEY))
    assert (size, root) == (792, audit(honest, [VKEY]).root)
    done = subprocess.run(
        [sys.executable, foreign_auditor.__file__, honest, str(VKEY)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"ok 792 {root}\n"


def test_the_auditor_of_another_house_shares_no_code_with_ours() -> None:
    lines = Path(foreign_auditor.__file__).read_text().splitlines()
    imports = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports == {"base64", "hashlib", "json", "sys", "pathlib", "cryptography"}
    assert len(lines) < 200


def test_without_a_pinned_key_the_verdict_carries_a_warning(honest: Path) -> None:
    report = audit(honest)
    assert report.clean
    assert not report.pinned
    assert [warning.code for warning in report.warnings] == [Code.UNPINNED]


def test_pinned_keys_of_two_logs_or_of_a_witness_are_refused(honest: Path) -> None:
    for other in (VerifierKey("other.example", VKEY.public), VerifierKey(ORIGIN, VKEY.public, 4)):
        with pytest.raises(NoteInvalid):
            audit(honest, [VKEY, other])


# --- one byte


@pytest.mark.parametrize("pins", [[VKEY], []], ids=["pinned", "unpinned"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_byte_anywhere_is_found_and_named(small: Path, pins: list[VerifierKey], data) -> None:
    files = sorted(path for path in small.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files), label="file")
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1), label="offset")
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255), label="flip")
    name = path.relative_to(small).as_posix()
    try:
        path.write_bytes(bad)
        report = audit(small, pins)
    finally:
        path.write_bytes(good)
    if name.startswith("tile/entries/"):
        assert first(report)[0] in {"HASH", "GAP"}
        assert first(report)[1] == place_of(good, at)
    else:
        assert first(report) == ("FILE", name)


def place_of(tile: bytes, at: int) -> int:
    """Which entry of a first entry tile an offset lies in."""
    seq = begin = 0
    while (begin := begin + 2 + int.from_bytes(tile[begin : begin + 2])) <= at:
        seq += 1
    return seq


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_byte_of_our_zip_is_found(tmp_path_factory, data) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.zip"
    if not path.exists():
        story(1).write(path)
    good = path.read_bytes()
    bad = bytearray(good)
    bad[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        path.write_bytes(bad)
        assert not audit(path, [VKEY]).clean
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("missing", ["checkpoint", "keys.json", "manifest.json", "manifest.note",
                                     "tile/1/000.p/3", "openings/001.jsonl", "checkpoints/300"])  # fmt: skip
def test_a_missing_file_is_named(honest: Path, tmp_path: Path, missing: str) -> None:
    bundle = copied(honest, tmp_path / "b")
    (bundle / missing).unlink()
    assert first(audit(bundle, [VKEY])) == ("FILE", missing)


def test_a_missing_entry_tile_is_a_gap_at_its_first_entry(honest: Path, tmp_path: Path) -> None:
    bundle = copied(honest, tmp_path / "b")
    (bundle / "tile/entries/001").unlink()
    report = audit(bundle, [VKEY])
    assert first(report) == ("GAP", 256)
    assert any(problem.path == "tile/entries/001" for problem in report.problems)


def test_a_file_that_does_not_belong_is_named(honest: Path, tmp_path: Path) -> None:
    for extra in ("notes.txt", "tile/0/003.p/23", "openings/004.jsonl", "tile/entries/004"):
        bundle = copied(honest, tmp_path / extra.replace("/", "_"))
        (bundle / extra).parent.mkdir(parents=True, exist_ok=True)
        (bundle / extra).write_bytes(b"")
        assert first(audit(bundle, [VKEY])) == ("FILE", extra)
        resign(bundle)
        assert first(audit(bundle, [VKEY])) == ("FILE", extra)


def test_what_is_no_bundle_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"nothing")
    assert first(audit(tmp_path / "x.zip", [VKEY])) == ("FILE", "x.zip")
    (tmp_path / "empty").mkdir()
    assert first(audit(tmp_path / "empty", [VKEY]))[0] == "FILE"


def test_a_zip_packed_by_another_program_is_clean(honest: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in honest.rglob("*"):
            packed.write(path, path.relative_to(honest))
    assert audit(tmp_path / "other.zip", [VKEY]).clean


def test_a_forger_s_many_random_changes_never_pass(small: Path, tmp_path: Path) -> None:
    dice = random.Random(20261116)
    for number in range(20):
        bundle = copied(small, tmp_path / str(number))
        files = sorted(path for path in bundle.rglob("*") if path.is_file())
        for path in dice.sample(files, 3):
            data = bytearray(path.read_bytes())
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            path.write_bytes(data)
        assert not audit(bundle, [VKEY]).clean
