"""An audit that goes on from the last clean one says what a whole audit says, and reads only what is new."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.archive import Files, open_files
from ledger.bundle import Edition
from supervision.audit import audit
from supervision.audit_report import Code, Report
from supervision.audit_shelf import Shelf
from supervision.errors import StateUnfit
from tests.ledger.audited import FORGER, first, found
from tests.ledger.make_bundle import VKEY, Log, copied, dsse, genesis, jcs, key, resign, sha, story

MARK = 512


@pytest.fixture(scope="module")
def long() -> Log:
    """740 entries: the mark of an audit at 600 is 512."""
    return story(56)


def shortened(log: Log, size: int) -> Log:
    openings = {seq: opening for seq, opening in log.openings.items() if seq < size}
    return replace(log, envelopes=log.envelopes[:size], openings=openings)


@pytest.fixture(scope="module")
def early(long: Log, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes]:
    """A state after 600 entries, the bundle it was made of, and the checkpoint of then."""
    folder = tmp_path_factory.mktemp("state")
    log = shortened(long, 600)
    state = folder / "state"
    report = audit(log.write(folder / "b"), [VKEY], state=state)
    assert report.clean
    assert report.resumed_from is None
    return state, folder / "b", log.checkpoint(log.entries())


def again(early: tuple[Path, Path, bytes], bundle: Path | Files, tmp: Path, **asked: Any) -> Report:
    state = Path(shutil.copy(early[0], tmp / "state"))
    return audit(bundle, [VKEY], state=state, **asked)


def facts(report: Report) -> dict[str, Any]:
    return {name: value for name, value in report.document().items() if name != "resumed_from"}


def test_the_next_audit_goes_on_at_the_last_full_tile(long: Log, early, tmp_path: Path) -> None:
    bundle = long.write(tmp_path / "b")
    report = again(early, bundle, tmp_path)
    assert report.resumed_from == MARK
    assert facts(report) == facts(audit(bundle, [VKEY], last_checkpoint=early[2]))
    later = audit(bundle, [VKEY], state=tmp_path / "state")
    assert (later.clean, later.resumed_from) == (True, 512)


def test_a_log_that_did_not_grow_is_clean(early, tmp_path: Path) -> None:
    report = again(early, early[1], tmp_path)
    assert (report.clean, report.resumed_from, report.entries) == (True, MARK, 600)


def test_step_by_step_is_as_good_as_at_once(long: Log, tmp_path: Path) -> None:
    state = tmp_path / "state"
    for size in (3, 255, 256, 257, 511, 600, 740):
        bundle = shortened(long, size).write(tmp_path / str(size))
        report = audit(bundle, [VKEY], state=state)
        assert (report.clean, report.entries) == (True, size)
    assert report.document()["checked"]["signatures"] == audit(bundle, [VKEY]).signatures


class Watched(Files):
    """Files that tell what was read of them."""

    def __init__(self, folder: Path) -> None:
        self._files = open_files(folder)
        self.paths, self.asked = self._files.paths, set[str]()

    def read(self, path: str, limit: int) -> bytes:
        self.asked.add(path)
        return self._files.read(path, limit)


def test_only_what_is_new_is_read(long: Log, early, tmp_path: Path) -> None:
    files = Watched(long.write(tmp_path / "b"))
    report = again(early, files, tmp_path, only_new=True)
    assert report.clean
    tiles = {path for path in files.asked if path.startswith(("tile/", "openings/"))}
    assert tiles == {
        "tile/entries/002.p/228",
        "tile/0/002.p/228",
        "tile/1/000.p/2",
        "openings/002.jsonl",
    }


def test_old_files_are_hashed_and_a_changed_one_is_answered_as_by_a_whole_audit(
    long: Log, early, tmp_path: Path
) -> None:
    bundle = long.write(tmp_path / "b")
    path = bundle / "tile/entries/000"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    report = again(early, bundle, tmp_path)
    assert (first(report), report.resumed_from) == (("HASH", 255), None)
    assert again(early, bundle, tmp_path, only_new=True).clean, "what is not read is not found: as documented"


# --- the property: whatever is wrong, and wherever


def resealed(log: Log, seq: int) -> Log:
    """The whole log from `seq` on rewritten by the exchange: another time in one entry."""
    return replace(
        log, sealed_at={**log.sealed_at, seq: f"2026-11-16T{1 + seq // 60:02}:{seq % 60:02}:02.000Z"}
    )


def with_last(log: Log, envelope: dict[str, Any]) -> Log:
    return replace(log, envelopes=[*log.envelopes, envelope])


def repeated(log: Log, seq: int) -> Log:
    return with_last(log, log.envelopes[seq])


def unsigned(log: Log, seq: int) -> Log:
    envelopes = list(log.envelopes)
    envelopes[seq] = {
        **envelopes[seq],
        "signatures": [{**envelopes[seq]["signatures"][0], "sig": "A" * 86 + "=="}],
    }
    return replace(log, envelopes=envelopes)


def reopened(log: Log, seq: int) -> Log:
    openings = dict(log.openings)
    if seq in openings:
        openings[seq] = openings[seq].replace(b"nonce", b"nunce")
    return replace(log, openings=openings)


FAULTS = {"rewritten": resealed, "sealed twice": repeated, "unsigned": unsigned, "reopened": reopened}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_whole_audit_and_one_that_goes_on_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, long: Log, early, data
) -> None:
    folder = tmp_path_factory.mktemp("property")
    size = data.draw(st.integers(600, len(long.envelopes)), label="size")
    log = shortened(long, size)
    kind = data.draw(st.sampled_from(["none", "byte", *FAULTS]), label="fault")
    seq = data.draw(st.integers(1, size - 1) | st.sampled_from([511, 512, 599, 600]), label="seq") % size
    if kind in FAULTS:
        log = FAULTS[kind](log, seq)
    bundle = log.write(folder / "b")
    if kind == "byte":
        path = data.draw(
            st.sampled_from(sorted(one for one in bundle.rglob("*") if one.is_file())), label="file"
        )
        changed = bytearray(path.read_bytes())
        changed[data.draw(st.integers(0, len(changed) - 1), label="at")] ^= 1
        path.write_bytes(changed)
    resumed = again(early, bundle, folder)
    whole = audit(bundle, [VKEY], last_checkpoint=early[2])
    assert facts(resumed) == facts(whole)
    assert resumed.clean == (resumed.resumed_from is not None)
    shutil.rmtree(folder)


# --- what hangs together across the mark


def spanning(change: str) -> tuple[Log, int]:
    """A log of two tiles and more, whose last statements are held against what the first tile says."""
    log = Log()
    genesis(log)
    known = {"trade_id": "trd_x", "seller_id": "org_seller", "buyer_id": "org_buyer", "broker_id": None}
    log.party("org_buyer", "TRD.INQUIRE", "trd_x", **known, after="INQUIRED")
    facts = {"org_id": "org_broker", "keyid": sha(key("org_broker").public), "reason": "lost"}
    log.party("org_broker", "KEY.REVOKE", "key_b", **facts)
    for number in range(300):
        log.party("org_seller", "TST.SAY", f"obj_{number}")
    mark = len(log.envelopes)
    moves = {"before": "INQUIRED", "after": "NEGOTIATING", "offer_no": 1}
    if change == "state":
        moves["before"] = "NEGOTIATING"
    if change == "party":
        known["buyer_id"] = "org_other"
    log.party("org_seller", "TRD.OFFER", "trd_x", **known, **moves)
    if change == "key":
        log.party("org_broker", "TST.SAY", "late")
    if change == "trade":
        log.party("org_buyer", "TRD.INQUIRE", "trd_x", **known, after="INQUIRED")
    if change == "twice":
        log.envelopes.append(log.envelopes[20])
    if change == "genesis":
        log.envelopes.append(log.envelopes[0])
    return log, mark


@pytest.mark.parametrize("change", ["", "state", "party", "key", "trade", "twice", "genesis"])
def test_what_was_said_before_the_mark_is_remembered(tmp_path: Path, change: str) -> None:
    log, mark = spanning(change)
    state = tmp_path / "state"
    assert audit(shortened(log, mark).write(tmp_path / "a"), [VKEY], state=state).clean
    bundle = log.write(tmp_path / "b")
    report = audit(bundle, [VKEY], state=state)
    assert report.clean == (change == "")
    assert found(report) == found(audit(bundle, [VKEY]))


def test_where_openings_were_erased_since_all_is_read_anew(long: Log, early, tmp_path: Path) -> None:
    openings = {seq: opening for seq, opening in long.openings.items() if seq != 9}
    hidden = again(early, long.write(tmp_path / "hidden", openings=openings), tmp_path)
    assert (hidden.resumed_from, found(hidden)) == (None, [("OPENING", 9)])
    log = replace(long, envelopes=list(long.envelopes), openings=dict(long.openings))
    log.exchange("OPN.ERASE", "sta_1", opening_sha256=sha(log.openings[9]), seq=9)
    there = again(early, log.write(tmp_path / "there"), tmp_path)
    assert (there.resumed_from, found(there)) == (None, [("OPENING", 9)])
    del log.openings[9]
    gone = again(early, log.write(tmp_path / "gone"), tmp_path)
    assert (gone.clean, gone.resumed_from, gone.openings_absent) == (True, None, 1)


def test_a_checkpoint_kept_from_before_the_mark_is_proven_and_a_forged_one_is_not(
    long: Log, early, tmp_path: Path
) -> None:
    log = replace(long, kept=[5, 300, 600])
    bundle = log.write(tmp_path / "b")
    report = again(early, bundle, tmp_path)
    assert (report.clean, report.resumed_from, report.anchors) == (True, MARK, 4)
    other = resealed(long, 7)
    (bundle / "checkpoints/300").write_bytes(other.checkpoint(other.entries(), 300))
    resign(bundle)
    assert first(again(early, bundle, tmp_path)) == ("ANCHOR", "checkpoints/300")


# --- whose state it is


def test_a_shorter_log_than_the_one_audited_is_found(long: Log, early, tmp_path: Path) -> None:
    report = again(early, shortened(long, 300).write(tmp_path / "b"), tmp_path)
    assert found(report) == [("ANCHOR", None)]
    assert "shorter" in report.problems[0].why


def test_nothing_is_kept_of_an_audit_that_found_something(long: Log, early, tmp_path: Path) -> None:
    bundle = unsigned(long, 30).write(tmp_path / "b")
    assert not audit(bundle, [VKEY], state=tmp_path / "none").clean
    assert not (tmp_path / "none").exists()
    assert not again(early, bundle, tmp_path).clean
    assert (tmp_path / "state").read_bytes() == early[0].read_bytes()


@pytest.mark.parametrize(
    "asked",
    [{"vkeys": []}, {"signatures": False}, {"rows": []}],
    ids=["unpinned", "checkpoints alone", "database"],
)
def test_an_audit_that_asks_other_things_reads_everything(long: Log, early, tmp_path: Path, asked) -> None:
    state = Path(shutil.copy(early[0], tmp_path / "state"))
    bundle = long.write(tmp_path / "b")
    report = audit(bundle, asked.pop("vkeys", [VKEY]), state=state, **asked)
    assert report.resumed_from is None
    assert report.entries == len(long.envelopes)


def test_another_edition_reads_everything(long: Log, early, tmp_path: Path) -> None:
    report = again(early, long.write(tmp_path / "b", edition=Edition.PUBLIC), tmp_path)
    assert (report.clean, report.resumed_from) == (True, None)


def of_tiles(log: Log, out: Path) -> Path:
    """The same log as a folder of tiles: another thing than the bundle that the state was made of."""
    bundle = log.write(out / "bundle")
    shutil.copytree(bundle / "tile", out / "tiles" / "tile")
    shutil.copy(bundle / "checkpoint", out / "tiles" / "checkpoint")
    return out / "tiles"


OTHERWISE = {
    "unpinned": (lambda log, out: log.write(out), {"vkeys": []}),
    "checkpoints alone": (lambda log, out: log.write(out), {"signatures": False}),
    "database": (lambda log, out: log.write(out), {"rows": []}),
    "edition": (lambda log, out: log.write(out, edition=Edition.PUBLIC), {}),
    "tiles": (of_tiles, {}),
}


@pytest.mark.parametrize("how", OTHERWISE)
def test_a_rewritten_log_is_found_however_it_is_asked_for_and_the_state_stays(
    long: Log, early, tmp_path: Path, how: str
) -> None:
    """The tree that was seen is remembered, whatever else of the state cannot be used."""
    write, asked = OTHERWISE[how]
    state = Path(shutil.copy(early[0], tmp_path / "state"))
    report = audit(write(resealed(long, 30), tmp_path / "b"), **{"vkeys": [VKEY], "state": state, **asked})
    assert report.resumed_from is None
    assert any(
        problem.code is Code.ANCHOR and "another root" in problem.why for problem in report.problems
    ), report.problems
    assert state.read_bytes() == early[0].read_bytes()


def test_the_state_of_another_format_still_says_what_was_seen(long: Log, early, tmp_path: Path) -> None:
    state = Path(shutil.copy(early[0], tmp_path / "state"))
    with sqlite3.connect(state) as file:
        file.execute("UPDATE facts SET value = ? WHERE name = 'format'", (orjson.dumps("of another time"),))
    file.close()
    before = state.read_bytes()
    assert found(audit(resealed(long, 30).write(tmp_path / "b"), [VKEY], state=state)) == [("ANCHOR", None)]
    assert state.read_bytes() == before
    report = audit(long.write(tmp_path / "c"), [VKEY], state=state)
    assert (report.clean, report.resumed_from) == (True, None)


@pytest.mark.parametrize("content", [b"", b"a letter", b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_that_is_no_state_is_neither_used_nor_written_over(long: Log, tmp_path: Path, content) -> None:
    state = tmp_path / "letter"
    state.write_bytes(content)
    with pytest.raises(StateUnfit):
        audit(shortened(long, 20).write(tmp_path / "b"), [VKEY], state=state)
    assert state.read_bytes() == content


def test_the_state_of_another_log_is_refused(early, tmp_path: Path) -> None:
    other = Log(origin="other.example/log", signer=replace(FORGER, name="other.example/log"))
    genesis(other)
    state = Path(shutil.copy(early[0], tmp_path / "state"))
    with pytest.raises(StateUnfit, match="another log"):
        audit(other.write(tmp_path / "b"), [other.signer.vkey], state=state)


def test_a_state_whose_parts_do_not_fit_is_not_used(long: Log, early, tmp_path: Path) -> None:
    state = Path(shutil.copy(early[0], tmp_path / "state"))
    with sqlite3.connect(state) as file:
        file.execute("UPDATE facts SET value = ? WHERE name = 'edges'", (orjson.dumps([[]]),))
    file.close()
    report = audit(long.write(tmp_path / "b"), [VKEY], state=state)
    assert (report.clean, report.resumed_from) == (True, None)


def test_the_state_is_for_its_owner_alone(early) -> None:
    assert early[0].stat().st_mode & 0o077 == 0


# --- the shelf


@given(st.lists(st.tuples(st.integers(0, 30), st.integers()), max_size=200))
def test_a_shelf_remembers_everything_whatever_lies_near(steps: list[tuple[int, int]]) -> None:
    shelf, known = Shelf(kept=4), dict[str, list[int]]()
    for name, value in steps:
        record = shelf.get(str(name)) or []
        assert record == known.get(str(name), [])
        known[str(name)] = [*record, value % 1000][-5:]
        shelf.put(str(name), known[str(name)])
    shelf.settle()
    shelf.put("later", [])
    assert shelf.get("later") == []
    assert {name: orjson.loads(record) for name, record in shelf.records()} == known
    shelf.close()


def test_problems_are_kept_by_rank_not_by_arrival() -> None:
    from supervision.audit_report import Problem

    report = Report()
    for seq in range(40, 0, -1):
        report.add(Problem(Code.SIG, "a signature does not hold", seq))
    assert [problem.seq for problem in report.problems] == list(range(1, 21))
    assert report.counts[Code.SIG] == 40


def test_copies_of_a_bundle_are_the_same_to_a_state(early, tmp_path: Path) -> None:
    assert again(early, copied(early[1], tmp_path / "c"), tmp_path).resumed_from == MARK


def test_an_envelope_is_signed_as_dsse_says() -> None:
    """The forger's tool of this file signs what it should: else nothing here would be found."""
    assert dsse(jcs({}), key("x"))["signatures"][0]["keyid"] == sha(key("x").public)
