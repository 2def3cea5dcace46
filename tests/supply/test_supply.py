"""The bill of materials is the lock's, licences are permissive or excepted, advisories find their version."""

import zipfile
from pathlib import Path

import orjson
import pytest

from tests.supply.__main__ import LOCKS, ROOT, audit, sbom
from tests.supply.advisories import read_advisories, weaknesses
from tests.supply.bill import bill
from tests.supply.licences import EXCEPTED, is_permissive, licence_of
from tests.supply.locks import LockBad, Locked, read_lock

LOCK = read_lock(ROOT / "requirements.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_of_every_lock_is_pinned_by_digest_and_at_no_address(name: str) -> None:
    locked = read_lock(ROOT / name)
    assert locked
    assert all(len(digest) == 64 for one in locked for digest in one.hashes)
    assert "://" not in (ROOT / name).read_text()


def test_a_line_without_a_digest_or_from_an_address_is_no_lock(tmp_path: Path) -> None:
    for text in ("a==1.0\n", "a @ https://example.org/a.whl\n", "a>=1 \\\n    --hash=sha256:" + "0" * 64):
        (tmp_path / "lock").write_text(text)
        with pytest.raises(LockBad):
            read_lock(tmp_path / "lock")


def test_what_runs_stands_under_permissive_licences_or_is_excepted_by_name() -> None:
    unknown = {}
    for one in LOCK:
        licence = licence_of(one.name)
        if one.name in EXCEPTED:
            assert licence == EXCEPTED[one.name][0], one.name
        elif licence is None:
            assert one.marker, f"{one.name} is not installed here, and nothing says that it need not be"
        elif not is_permissive(licence):
            unknown[one.name] = licence
    assert unknown == {}


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("", False),
        ("GPL-2.0-only OR MIT", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", False),
        ("(GPL-2.0-only OR MIT) AND BSD-3-Clause", True),
        ("MIT AND GPL-2.0-only", False),
    ],
)
def test_expressions_of_licences(expression: str, *, permissive: bool) -> None:
    assert is_permissive(expression) is permissive


def test_the_bill_is_the_lock_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert sbom(tmp_path / name) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    made = orjson.loads((tmp_path / "one").read_bytes())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    told = {
        (one["name"], one["version"]): [digest["content"] for digest in one["hashes"]]
        for one in made["components"]
    }
    assert told == {(one.name, one.version): list(one.hashes) for one in LOCK}
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(refs) == len(set(refs))
    depends = {one["ref"]: one["dependsOn"] for one in made["dependencies"]}
    assert set(depends) == {"databourse", *refs}
    assert {ref for on in depends.values() for ref in on} == set(refs)  # nothing stands there unasked for
    fastapi = next(ref for ref in refs if ref.startswith("pkg:pypi/fastapi@"))
    assert any(ref.startswith("pkg:pypi/starlette@") for ref in depends[fastapi])
    changed = bill([*LOCK[1:], Locked("x", "1", "", ("0" * 64,))], version="0.1.0")
    assert changed["serialNumber"] != made["serialNumber"]


ADVISORIES = [
    {
        "id": "OSV-1",
        "summary": "of a range",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "Some_Package"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}],
                    }
                ],
            }
        ],
    },
    {
        "id": "OSV-2",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "some-package"}, "versions": ["1.7"]}],
        "details": "of one version",
    },
    {
        "id": "OSV-3",
        "affected": [{"package": {"ecosystem": "npm", "name": "some-package"}, "versions": ["1.7"]}],
    },
    {
        "id": "OSV-4",
        "withdrawn": "2026-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "some-package"}, "versions": ["1.7"]}],
    },
    {
        "id": "OSV-5",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "some-package"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"last_affected": "1.4"}]}
                ],
            }
        ],
    },
]


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1.4", ["OSV-1", "OSV-5"]),
        ("1.4.1", ["OSV-1"]),
        ("1.5", []),
        ("1.7", ["OSV-2"]),
        ("2.0rc1", []),
        ("2.1", ["OSV-1"]),
    ],
)
def test_an_advisory_is_about_the_versions_it_names(version: str, found: list[str]) -> None:
    locked = [Locked("some-package", version), Locked("other", version)]
    assert [one.advisory for one in weaknesses(locked, ADVISORIES)] == found


def test_advisories_come_as_a_zip_a_folder_or_a_file(tmp_path: Path) -> None:
    raw = [orjson.dumps(one) for one in ADVISORIES]
    (tmp_path / "lines").write_bytes(b"\n".join(raw))
    (tmp_path / "list").write_bytes(orjson.dumps(ADVISORIES))
    folder = tmp_path / "folder"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, one in enumerate(raw):
            archive.writestr(f"{number}.json", one)
            (folder / f"{number}.json").write_bytes(one)
    for name in ("lines", "list", "folder", "all.zip"):
        assert list(read_advisories(tmp_path / name)) == ADVISORIES


def test_the_audit_says_what_it_found_and_that_nothing_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(None) == 3
    assert "NOT ASKED" in capsys.readouterr().err
    about = LOCK[0]
    said = {
        "id": "OSV-9",
        "affected": [{"package": {"ecosystem": "PyPI", "name": about.name}, "versions": [about.version]}],
    }
    (tmp_path / "a.json").write_bytes(orjson.dumps(said))
    assert audit(tmp_path / "a.json") == 1
    assert f"{about.name} {about.version}: OSV-9" in capsys.readouterr().out
    (tmp_path / "a.json").write_bytes(b"[]")
    assert audit(tmp_path / "a.json") == 0
