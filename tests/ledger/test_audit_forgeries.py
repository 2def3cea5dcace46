"""Whole logs forged, cut, relinked or made anew: the auditor finds each, and says where."""

import base64
from pathlib import Path

import pytest

from ledger.bundle import Keys, KeyWindow
from ledger.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from ledger.tiles import pack_entries
from ledger.tree import leaf_hash, root_of
from supervision.audit import audit
from tests.ledger.audited import FORGER, first, found, long_story
from tests.ledger.make_bundle import (
    LOG_KEY,
    ORIGIN,
    VKEY,
    Log,
    b64,
    copied,
    genesis,
    key,
    resign,
    story,
    trade,
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return long_story().write(tmp_path_factory.mktemp("audit") / "bundle")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = story(1)
    log.kept = [5, 13]
    log.witnesses = [NoteSigner("witness.example", key("witness"))]
    return log.write(tmp_path_factory.mktemp("audit") / "bundle")


# --- forged logs


def forged(tmp_path: Path, log: Log) -> Path:
    """The whole log anew, under the forger's own keys: perfectly consistent with itself."""
    log.signer = FORGER
    return log.write(tmp_path / "forged")


def test_keys_and_log_forged_together_are_only_found_with_a_pinned_key(tmp_path: Path) -> None:
    log = Log(signer=FORGER)
    genesis(log)
    trade(log, 0, amount_minor=1)
    bundle = log.write(tmp_path / "b")
    unpinned = audit(bundle)
    assert unpinned.clean
    assert not unpinned.pinned
    report = audit(bundle, [VKEY])
    assert found(report) == [("FILE", None), ("ROOT", None)]
    assert first(report) == ("FILE", "manifest.note")


def test_a_key_list_that_is_not_the_genesis_s_is_a_key_problem(tmp_path: Path) -> None:
    report = audit(forged(tmp_path, story(1)))
    assert first(report) == ("KEY", 0)


def test_a_dropped_entry_is_a_gap(tmp_path: Path) -> None:
    log = story()
    entries = log.entries()
    del entries[7]
    report = audit(log.write(tmp_path / "b", entries=entries, openings={}), [VKEY])
    assert first(report) == ("GAP", 7)
    assert ("LINK", 7) in found(report)


def test_a_dropped_entry_in_an_otherwise_untouched_bundle_is_a_gap(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    entries = story(1).entries()
    del entries[7]
    (bundle / "tile/entries/000.p/25").write_bytes(pack_entries(entries))
    report = audit(bundle, [VKEY])
    assert first(report) == ("GAP", 7)
    assert ("GAP", 24) in found(report)
    assert ("HASH", 7) in found(report)


def test_an_entry_with_another_number_is_a_gap(tmp_path: Path) -> None:
    log = story()
    entries = log.entries()
    entries[7] = entries[7].replace(b'"seq":7,', b'"seq":8,')
    assert first(audit(log.write(tmp_path / "b", entries=entries), [VKEY])) == ("GAP", 7)


def test_an_exchanged_entry_is_a_broken_link(tmp_path: Path) -> None:
    log = story()
    entries = log.entries()
    entries[7] = entries[7].replace(b":01.000Z", b":00.000Z")
    assert entries[7] != log.entries()[7]
    report = audit(log.write(tmp_path / "b", entries=entries), [VKEY])
    assert found(report) == [("LINK", 8)]


def test_two_exchanged_entries_are_found(tmp_path: Path) -> None:
    log = story()
    entries = log.entries()
    entries[7], entries[8] = entries[8], entries[7]
    report = audit(log.write(tmp_path / "b", entries=entries, openings={}), [VKEY])
    assert found(report)[:4] == [("GAP", 7), ("LINK", 7), ("GAP", 8), ("LINK", 8)]


@pytest.mark.parametrize("prev", ["0" * 64, "A" * 64, "x"])
def test_an_entry_that_names_another_leaf_before_it_is_a_broken_link(tmp_path: Path, prev: str) -> None:
    log = story(1)
    entries = log.entries()
    named = leaf_hash(entries[19]).hex()
    entries[20] = entries[20].replace(named.encode(), prev.encode())
    report = audit(log.write(tmp_path / "b", entries=entries), [VKEY])
    assert ("LINK", 20) in found(report)


def test_a_relinked_log_no_longer_gives_the_signed_root_nor_the_kept_ones(tmp_path: Path) -> None:
    log = story()
    log.kept = [5, 20, 30]
    true_checkpoint = log.checkpoint(log.entries())
    rewritten = story()
    rewritten.sealed_at[10] = "2026-11-16T01:10:02.000Z"  # renumbered and linked anew from there on
    report = audit(log.write(tmp_path / "b", entries=rewritten.entries(), checkpoint=true_checkpoint), [VKEY])
    assert found(report) == [("ROOT", None), ("ANCHOR", None), ("ANCHOR", None)]
    assert [problem.path for problem in report.problems] == [None, "checkpoints/20", "checkpoints/30"]


def test_an_exchange_that_rewrites_its_own_log_is_found_by_the_checkpoints_it_kept(tmp_path: Path) -> None:
    log = story()
    log.kept = [5, 20]
    rewritten = story()
    rewritten.sealed_at[10] = "2026-11-16T01:10:02.000Z"
    report = audit(log.write(tmp_path / "b", entries=rewritten.entries()), [VKEY])
    assert found(report) == [("ANCHOR", None)]
    assert first(report) == ("ANCHOR", "checkpoints/20")


def test_a_rewritten_log_without_kept_checkpoints_is_found_by_the_one_last_seen(tmp_path: Path) -> None:
    log = story()
    seen = log.checkpoint(log.entries(), 20)
    rewritten = story()
    rewritten.sealed_at[10] = "2026-11-16T01:10:02.000Z"
    bundle = rewritten.write(tmp_path / "b")
    assert audit(bundle, [VKEY]).clean
    assert found(audit(bundle, [VKEY], last_checkpoint=seen)) == [("ANCHOR", None)]


def test_an_older_log_passes_and_the_checkpoint_last_seen_tells(tmp_path: Path) -> None:
    log = story()
    seen = log.checkpoint(log.entries())
    older = story(2)
    bundle = older.write(tmp_path / "b")
    assert audit(bundle, [VKEY]).clean
    report = audit(bundle, [VKEY], last_checkpoint=seen)
    assert found(report) == [("ANCHOR", None)]
    assert "shorter" in report.problems[0].why
    assert audit(bundle, [VKEY], last_checkpoint=log.checkpoint(log.entries(), 9)).clean


def test_a_last_checkpoint_of_another_key_is_no_anchor(small: Path) -> None:
    head = Checkpoint(ORIGIN, 0, root_of([]))
    for data in (sign_checkpoint(head, FORGER), b"nothing"):
        assert found(audit(small, [VKEY], last_checkpoint=data)) == [("ANCHOR", None)]


def test_a_checkpoint_of_another_root_is_a_root_problem(tmp_path: Path) -> None:
    log = story()
    other = sign_checkpoint(Checkpoint(ORIGIN, len(log.envelopes), root_of([])), LOG_KEY)
    report = audit(log.write(tmp_path / "b", checkpoint=other), [VKEY])
    assert found(report) == [("ROOT", None)]


def test_a_kept_checkpoint_that_is_not_of_its_name_is_an_anchor_problem(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    (bundle / "checkpoints/13").rename(bundle / "checkpoints/14")
    resign(bundle)
    assert first(audit(bundle, [VKEY])) == ("ANCHOR", "checkpoints/14")


def test_a_wrong_hash_tile_is_named_even_when_the_manifest_is_made_anew(honest: Path, tmp_path: Path) -> None:
    for tile in ("tile/0/001", "tile/1/000.p/3"):
        bundle = copied(honest, tmp_path / tile.replace("/", "_"))
        data = bytearray((bundle / tile).read_bytes())
        data[-1] ^= 1
        (bundle / tile).write_bytes(data)
        resign(bundle)
        report = audit(bundle, [VKEY])
        assert first(report) == (("HASH", 511) if tile == "tile/0/001" else ("FILE", tile))


def test_a_file_that_the_manifest_does_not_name_is_found_though_it_could_belong(tmp_path: Path) -> None:
    log = story(1)
    bundle = log.write(tmp_path / "b")
    (bundle / "checkpoints").mkdir()
    (bundle / "checkpoints/9").write_bytes(log.checkpoint(log.entries(), 9))
    assert first(audit(bundle, [VKEY])) == ("FILE", "checkpoints/9")
    resign(bundle)
    assert audit(bundle, [VKEY]).clean


def test_a_bent_cosignature_of_a_known_witness_is_found(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    lines = (bundle / "checkpoint").read_text().splitlines(keepends=True)
    dash, name, encoded = lines[-1].split()
    blob = bytearray(base64.b64decode(encoded))
    blob[11] ^= 1  # the witness's time, in seconds
    (bundle / "checkpoint").write_text("".join(lines[:-1]) + f"{dash} {name} {b64(blob)}\n")
    resign(bundle)
    assert first(audit(bundle, [VKEY])) == ("COSIG", "checkpoint")


def test_a_manifest_made_anew_by_a_stranger_is_found(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    resign(bundle, FORGER)
    assert first(audit(bundle, [VKEY])) == ("FILE", "manifest.note")
    assert first(audit(bundle)) == ("FILE", "manifest.note")


def test_a_second_signature_line_hides_nothing(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    note = bundle / "manifest.note"
    note.write_text(note.read_text() + "— someone AAAAAAAA\n")
    assert first(audit(bundle, [VKEY])) == ("FILE", "manifest.note")


def test_the_manifest_of_another_bundle_does_not_fit(small: Path, honest: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    for name in ("manifest.json", "manifest.note"):
        (bundle / name).write_bytes((honest / name).read_bytes())
    assert not audit(bundle, [VKEY]).clean


def test_an_absurd_size_costs_nothing(tmp_path: Path) -> None:
    log = story(1)
    bundle = log.write(tmp_path / "b")
    huge = sign_checkpoint(Checkpoint(ORIGIN, 2**62, root_of([])), LOG_KEY)
    (bundle / "checkpoint").write_bytes(huge)
    text = (bundle / "manifest.note").read_text().replace("\n25\n", f"\n{2**62}\n")
    (bundle / "manifest.note").write_text(text)
    resign(bundle)
    assert first(audit(bundle, [VKEY])) == ("GAP", 0)


def test_keys_json_may_not_name_other_keys_than_the_genesis(small: Path, tmp_path: Path) -> None:
    bundle = copied(small, tmp_path / "b")
    keys = Keys(ORIGIN, (KeyWindow(FORGER.vkey), KeyWindow(VKEY)))
    (bundle / "keys.json").write_bytes(keys.text())
    assert first(audit(bundle, [VKEY])) == ("FILE", "keys.json")
