"""Folders and zips from strangers: nothing outside them is touched, nothing large is read."""

import io
import zipfile
from pathlib import Path

import pytest

from ledger.archive import open_files
from ledger.bundle import Bundle
from ledger.errors import BundleFileBad
from tests.ledger.test_bundle import ENTRIES_600, written


@pytest.mark.parametrize(
    "name", ["../escape", "/etc/passwd", "a/../../b", "a\\b", "C:x", "a//b", "./a", "a\n", "ä", "x" * 300]
)
def test_a_zip_with_a_path_outside_itself_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        packed.writestr("checkpoint", b"")
        packed.writestr(zipfile.ZipInfo(name), b"evil")
    with pytest.raises(BundleFileBad):
        open_files(tmp_path / "evil.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.zip"]


def test_a_name_that_comes_twice_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as packed:
        packed.writestr("checkpoint", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            packed.writestr("checkpoint", b"two")
    with pytest.raises(BundleFileBad, match="twice"):
        open_files(tmp_path / "twice.zip")


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc"])
def test_links_in_a_folder_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "openings").mkdir()
    (tmp_path / "openings" / "link").symlink_to(target)
    with pytest.raises(BundleFileBad, match="links") as refused:
        open_files(tmp_path)
    assert refused.value.path == "openings/link"


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, way: int) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", way) as packed:
        packed.writestr("checkpoint", b"\0" * 50_000_000)
    with Bundle(tmp_path / "bomb.zip") as bundle, pytest.raises(BundleFileBad, match="larger"):
        bundle.head()


def test_a_zip_that_lies_about_a_size_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "liar.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("checkpoint", b"\0" * 1_000_000)
    data = bytearray((tmp_path / "liar.zip").read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(data)
    with Bundle(tmp_path / "liar.zip") as bundle, pytest.raises(BundleFileBad):
        bundle.head()


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)[:10]])
def test_what_is_neither_folder_nor_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(BundleFileBad):
        Bundle(tmp_path / "x")


def test_a_missing_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleFileBad):
        Bundle(tmp_path / "nothing")


def test_the_frame_of_our_own_zip_is_read_strictly(tmp_path: Path) -> None:
    data = written(tmp_path / "b.zip", entries=ENTRIES_600[:3]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        infos = packed.infolist()
        frame = [at for info in infos for at in range(info.header_offset, info.header_offset + 30)]
        frame += range(packed.start_dir, len(data))
    missed = []
    for at in frame:
        bent = bytearray(data)
        bent[at] ^= 1
        (tmp_path / "bent.zip").write_bytes(bent)
        try:
            with Bundle(tmp_path / "bent.zip") as bundle:
                if bundle.damage() is None:
                    missed.append(at)
        except BundleFileBad:
            pass
    assert missed == []
