"""Bundles: what is written reads back, what strangers send is bounded and refused by name."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Malformed
from ledger.archive import open_sink
from ledger.bundle import (
    Bundle,
    BundleWriter,
    Edition,
    Keys,
    KeyWindow,
    ManifestNote,
    Record,
    openings_path,
    write_bundle,
)
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, sign_checkpoint
from ledger.errors import BundleFileBad, BundleIncomplete, EntryTooLarge
from ledger.tiles import ENTRIES, Tile, tiles_of
from ledger.tree import leaf_hash, root_of
from tests.ledger.make_bundle import LOG_KEY, ORIGIN, VKEY, copied, jcs, key, sha, story

ENTRIES_600 = [b'{"entry":%d}' % number for number in range(600)]
OPENINGS = {seq: jcs({"nonce": sha(b"%d" % seq), "text": f"第{seq}条 \u2028"}) for seq in range(0, 600, 7)}


def head(entries: list[bytes]) -> bytes:
    return sign_checkpoint(
        Checkpoint(ORIGIN, len(entries), root_of([leaf_hash(entry) for entry in entries])), LOG_KEY
    )


def written(out: Path, *, edition: Edition = Edition.REGULATOR, entries: list[bytes] | None = None) -> Path:
    given = ENTRIES_600 if entries is None else entries
    root = write_bundle(
        out,
        ((seq, entry, OPENINGS.get(seq)) for seq, entry in enumerate(given)),
        checkpoint=head(given),
        keys=Keys(ORIGIN, (KeyWindow(VKEY),)),
        signer=LOG_KEY,
        edition=edition,
        kept={300: head(given[:300])},
    )
    assert root == root_of([leaf_hash(entry) for entry in given])
    return out


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("bundles") / "bundle")


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
def test_what_is_written_reads_back(tmp_path: Path, name: str) -> None:
    with Bundle(written(tmp_path / name)) as bundle:
        assert list(bundle.records()) == [
            Record(seq, entry, OPENINGS.get(seq)) for seq, entry in enumerate(ENTRIES_600)
        ]
        assert bundle.head().size == 600
        assert bundle.kept() == {300: "checkpoints/300"}
        assert bundle.keys() == Keys(ORIGIN, (KeyWindow(VKEY),))
        note, said = bundle.manifest_note()
        assert note.verify([VKEY])
        manifest = bundle.read("manifest.json", 1_000_000)
        assert said == ManifestNote(ORIGIN, Edition.REGULATOR, 600, sha(manifest))
        assert bundle.damage() is None


def test_a_bundle_holds_exactly_the_documented_files(honest: Path) -> None:
    files = {path.relative_to(honest).as_posix() for path in honest.rglob("*") if path.is_file()}
    assert files == {
        "checkpoint",
        "checkpoints/300",
        "keys.json",
        "manifest.json",
        "manifest.note",
        "openings/000.jsonl",
        "openings/001.jsonl",
        "openings/002.jsonl",
        *(tile.path for tile in tiles_of(600)),
    }
    assert (honest / "openings/000.jsonl").read_bytes().split(b"\n")[0] == jcs(
        {"opening": OPENINGS[0].decode(), "seq": 0}
    )
    assert (honest / "manifest.note").read_text().split("\n")[:4] == [
        f"{ORIGIN}/manifest",
        "regulator",
        "600",
        sha((honest / "manifest.json").read_bytes()),
    ]


def test_the_manifest_names_every_other_file_by_its_digest(honest: Path) -> None:
    with Bundle(honest) as bundle:
        manifest = bundle.manifest()
        assert set(manifest) == bundle.paths - {"manifest.json", "manifest.note"}
        assert manifest == {path: sha((honest / path).read_bytes()) for path in manifest}


def test_the_public_edition_has_no_opening_even_when_given_one(tmp_path: Path) -> None:
    out = written(tmp_path / "public", edition=Edition.PUBLIC)
    with Bundle(out) as bundle:
        assert not any(path.startswith("openings/") for path in bundle.paths)
        assert all(record.opening is None for record in bundle.records())
        assert bundle.manifest_note()[1].edition is Edition.PUBLIC
    assert not [path for path in out.rglob("*") if path.is_file() and OPENINGS[0] in path.read_bytes()]


def test_folder_and_zip_hold_the_same_bytes_and_the_zip_is_the_same_each_time(tmp_path: Path) -> None:
    folder = written(tmp_path / "a")
    first, second = written(tmp_path / "a.zip"), written(tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        assert {name: packed.read(name) for name in names} == {
            name: (folder / name).read_bytes() for name in names
        }
        assert len(names) == len([path for path in folder.rglob("*") if path.is_file()])


def test_a_zip_packed_by_another_program_reads_the_same(honest: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(honest.rglob("*")):
            packed.write(path, path.relative_to(honest))
    with Bundle(honest) as folder, Bundle(tmp_path / "other.zip") as other:
        assert list(folder.records()) == list(other.records())
        assert other.damage() is None


def test_an_empty_log_makes_an_empty_bundle(tmp_path: Path) -> None:
    keys = Keys(ORIGIN, (KeyWindow(VKEY),))
    write_bundle(tmp_path / "b", (), checkpoint=head([]), keys=keys, signer=LOG_KEY, edition=Edition.PUBLIC)
    with Bundle(tmp_path / "b") as bundle:
        assert list(bundle.records()) == []
        assert bundle.paths == {"checkpoint", "keys.json", "manifest.json", "manifest.note"}


# --- writing refuses


def writer(out: Path, *, size: int = 3, edition: Edition = Edition.REGULATOR) -> BundleWriter:
    keys = Keys(ORIGIN, (KeyWindow(VKEY),))
    return BundleWriter(out, checkpoint=head(ENTRIES_600[:size]), keys=keys, signer=LOG_KEY, edition=edition)


def test_entries_out_of_order_missing_or_beyond_the_checkpoint_are_refused(tmp_path: Path) -> None:
    bundle = writer(tmp_path / "b")
    with pytest.raises(BundleIncomplete):
        bundle.add(1, b"{}")
    bundle.add(0, ENTRIES_600[0])
    with pytest.raises(BundleIncomplete):
        bundle.add(0, ENTRIES_600[0])
    with pytest.raises(BundleIncomplete, match="missing"):
        bundle.finish()
    assert not (tmp_path / "b" / "manifest.note").exists()
    full = writer(tmp_path / "c", size=1)
    full.add(0, ENTRIES_600[0])
    with pytest.raises(BundleIncomplete):
        full.add(1, ENTRIES_600[1])


def test_too_large_entries_and_openings_are_refused(tmp_path: Path) -> None:
    bundle = writer(tmp_path / "b", size=1)
    with pytest.raises(EntryTooLarge):
        bundle.add(0, b"{}", b"x" * 262_145)
    other = writer(tmp_path / "c", size=1)
    other.add(0, b"x" * 8193)
    with pytest.raises(EntryTooLarge):
        other.finish()


def test_a_bundle_of_keys_of_another_log_is_refused(tmp_path: Path) -> None:
    stranger = NoteSigner("other.example", key("log"))
    keys = Keys(ORIGIN, (KeyWindow(VKEY),))
    with pytest.raises(BundleIncomplete):
        BundleWriter(tmp_path / "b", checkpoint=head([]), keys=keys, signer=stranger, edition=Edition.PUBLIC)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("name", ["there", "there.zip"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    there = tmp_path / name
    if name.endswith("zip"):
        there.write_bytes(b"precious")
    else:
        there.mkdir()
        (there / "precious").write_bytes(b"precious")
    with pytest.raises(BundleFileBad):
        open_sink(there)
    assert (there if there.is_file() else there / "precious").read_bytes() == b"precious"


# --- reading refuses, by path


def test_a_file_above_its_limit_is_refused_by_name(honest: Path, tmp_path: Path) -> None:
    bundle = copied(honest, tmp_path / "b")
    (bundle / "checkpoint").write_bytes(b"x" * 300_000)
    with Bundle(bundle) as opened, pytest.raises(BundleFileBad, match="larger") as refused:
        opened.head()
    assert refused.value.path == "checkpoint"


def test_a_file_that_went_away_is_refused_by_name(honest: Path, tmp_path: Path) -> None:
    bundle = copied(honest, tmp_path / "b")
    with Bundle(bundle) as opened:
        (bundle / "checkpoint").unlink()
        with pytest.raises(BundleFileBad, match="not readable") as refused:
            opened.head()
    assert refused.value.path == "checkpoint"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"opening":"x","seq":"1"}',
        b'{"opening":{},"seq":1}',
        b'{"seq":1,"opening":"x"}',
        b'{"opening":"x","seq":1,"seq":1}',
        b'{"opening":"x","seq":256}',
        b'{"opening":"x","seq":true}',
        b'{"opening":"\xff","seq":1}',
        b"[" * 100_000,
    ],
)
def test_malformed_openings_are_refused_by_name(honest: Path, tmp_path: Path, line: bytes) -> None:
    bundle = copied(honest, tmp_path / "b")
    path = bundle / "openings/000.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    with Bundle(bundle) as opened, pytest.raises(BundleFileBad) as refused:
        opened.openings(0)
    assert refused.value.path == "openings/000.jsonl"


def test_an_opening_that_comes_twice_is_refused(honest: Path, tmp_path: Path) -> None:
    bundle = copied(honest, tmp_path / "b")
    path = bundle / "openings/000.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    with Bundle(bundle) as opened, pytest.raises(BundleFileBad):
        opened.openings(0)


@pytest.mark.parametrize("change", ["cut", "short"])
def test_a_damaged_entry_tile_is_refused_by_name(honest: Path, tmp_path: Path, change: str) -> None:
    bundle = copied(honest, tmp_path / "b")
    path = bundle / Tile(ENTRIES, 1).path
    data = path.read_bytes()
    path.write_bytes(data[:-1] if change == "cut" else data[: -2 - len(ENTRIES_600[511])])
    with Bundle(bundle) as opened, pytest.raises(BundleFileBad) as refused:
        list(opened.records())
    assert refused.value.path == "tile/entries/001"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"origin":"databourse.example/log","vkeys":[],"witnesses":[]}',
        b'{"origin":"databourse.example/log","vkeys":[{"from_size":0,"to_size":null,"vkey":"x"}],"witnesses":[]}',
        Keys("other.example/log", (KeyWindow(VKEY),)).text(),
        Keys(ORIGIN, (KeyWindow(VKEY),)).text() + b" ",
        Keys(ORIGIN, (KeyWindow(VKEY),)).text().replace(b":0,", b':"0",'),
        Keys(ORIGIN, (KeyWindow(VKEY),)).text().replace(b":0,", b":0.5,"),
        Keys(ORIGIN, (KeyWindow(VKEY),)).text().replace(b"{", b'{"a":1,', 1),
    ],
)
def test_malformed_keys_are_refused(data: bytes) -> None:
    with pytest.raises(BundleFileBad) as refused:
        Keys.parse(data)
    assert refused.value.path == "keys.json"


def test_keys_with_witnesses_read_back() -> None:
    witness = VerifierKey("w.example", key("w").public, 4)
    keys = Keys(ORIGIN, (KeyWindow(VKEY, 0, 500), KeyWindow(VKEY, 500)), (witness,))
    assert Keys.parse(keys.text()) == keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}/manifest\nregulator\n1\n",
        f"{ORIGIN}\nregulator\n1\nab\n",
        f"{ORIGIN}/manifest\nsecret\n1\nab\n",
        f"{ORIGIN}/manifest\nregulator\n01\nab\n",
        f"{ORIGIN}/manifest\nregulator\n1\nab\nmore\n",
        f"{ORIGIN}/manifest\nregulator\n{'9' * 5000}\nab\n",
    ],
)
def test_malformed_manifest_notes_are_refused(text: str) -> None:
    with pytest.raises(BundleFileBad):
        ManifestNote.parse(text)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"files":[]}', b'{"files":{"a":1}}', b'{"files": {}}'])
def test_malformed_manifests_are_refused(honest: Path, tmp_path: Path, data: bytes) -> None:
    bundle = copied(honest, tmp_path / "b")
    (bundle / "manifest.json").write_bytes(data)
    with Bundle(bundle) as opened, pytest.raises(BundleFileBad):
        opened.manifest()


def test_only_plain_sizes_name_kept_checkpoints(honest: Path, tmp_path: Path) -> None:
    bundle = copied(honest, tmp_path / "b")
    for name in ("0300", "latest", "-1", "3" * 40):
        (bundle / "checkpoints" / name).write_bytes(b"")
    with Bundle(bundle) as opened:
        assert opened.kept() == {300: "checkpoints/300"}


def test_openings_are_numbered_as_tiles_are() -> None:
    assert openings_path(0) == "openings/000.jsonl"
    assert openings_path(1_234_067) == "openings/x001/x234/067.jsonl"


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parsers_fail_otherwise(data: bytes) -> None:
    for parse in (Keys.parse, lambda raw: ManifestNote.parse(raw.decode(errors="replace"))):
        with pytest.raises(Malformed):
            parse(data)


def test_a_story_of_real_statements_reads_back(tmp_path: Path) -> None:
    log = story(1)
    with Bundle(log.write(tmp_path / "b")) as bundle:
        records = list(bundle.records())
    assert [record.entry for record in records] == log.entries()
    assert {record.seq: record.opening for record in records if record.opening} == log.openings
