"""An auditor follows the log's keys from the one it pinned; what both have not signed leads nowhere."""

import shutil
from pathlib import Path

import pytest

from ledger.bundle import KeyWindow
from ledger.checkpoint import Checkpoint, NoteSigner, sign_checkpoint, sign_note
from ledger.rotation import rotation_text, sign_rotation
from ledger.suites import SM2_SM3
from ledger.tree import leaf_hash, root_of
from supervision.audit import audit
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import ORIGIN, key, story
from tests.ledger.turning import NEW, OLD, THIRD, Turning, vkeys


def places(report: Report) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.path) for problem in report.problems]


def turned() -> Turning:
    """A log with trades whose key was rotated, with an overlap of four entries, and retired."""
    log = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    log.rotate()
    for number in range(4):
        log.party("org_buyer", "TRD.INQUIRE", f"trd_9{number}", buyer_id="org_buyer", after="INQUIRED")
    log.retire()
    log.party("org_buyer", "TRD.INQUIRE", "trd_99", buyer_id="org_buyer", after="INQUIRED")
    return log


@pytest.mark.parametrize("pinned", [(OLD,), (NEW,), (OLD, NEW), ()])
def test_whichever_of_its_keys_is_pinned_the_log_is_clean(tmp_path: Path, pinned) -> None:
    log = turned()
    report = audit(log.bundle(tmp_path / "b"), vkeys(*pinned))
    assert report.clean, report.problems
    assert report.pinned is bool(pinned)
    assert report.anchors == len(log.envelopes) - 1, "a checkpoint of every size, before, within, after"


def test_a_chain_of_rotations_is_followed_to_its_end(tmp_path: Path) -> None:
    log = turned()
    log.rotate(NEW, THIRD)
    log.retire(NEW)
    assert audit(log.bundle(tmp_path / "b"), vkeys(OLD)).clean
    assert audit(log.bundle(tmp_path / "c"), vkeys(THIRD)).clean


def test_a_stranger_s_key_is_not_led_anywhere(tmp_path: Path) -> None:
    report = audit(turned().bundle(tmp_path / "b"), vkeys(NoteSigner(ORIGIN, key("a stranger"))))
    assert {"ROOT", "FILE"} <= {code for code, _ in found(report)}


@pytest.mark.parametrize("signers", [(OLD,), (NEW,), (THIRD, NEW), (OLD, NEW, THIRD)])
def test_a_rotation_not_signed_by_both_leads_nowhere(tmp_path: Path, signers) -> None:
    """The new key's holder has the exchange's statement key too, and not the old checkpoint key."""
    log = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    note = sign_note(rotation_text(OLD.vkey, NEW.vkey), *signers).decode()
    seq = log.rotate(note=note)
    log.windows = [KeyWindow(OLD.vkey, 0, seq), KeyWindow(NEW.vkey, seq + 1)]
    report = audit(log.bundle(tmp_path / "b"), vkeys(OLD))
    codes = found(report)
    assert ("KEY", seq) in codes
    assert "ROOT" in {code for code, _ in codes}, "the new key's checkpoint counts for nothing"


def test_only_the_exchange_changes_the_keys_of_its_log(tmp_path: Path) -> None:
    log = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    said = {"old_vkey": str(OLD.vkey), "vkey": str(NEW.vkey), "note": sign_rotation(OLD, NEW)}
    seq = log.party("org_seller", "LOG.ROTATE", ORIGIN, signer=key("org_seller 2"), **said)
    report = audit(log.bundle(tmp_path / "b"), vkeys(OLD))
    assert found(report) == [("KEY", seq)]
    assert "only the exchange" in report.problems[0].why


def at(log: Turning, size: int, *signers: NoteSigner) -> dict[int, bytes]:
    """Kept checkpoints of which the one of this size is signed by others than it should be."""
    entries = log.entries()
    head = Checkpoint(ORIGIN, size, root_of([leaf_hash(entry) for entry in entries[:size]]))
    return {size: sign_checkpoint(head, *signers)}


def test_a_checkpoint_counts_only_with_every_key_whose_window_it_is(tmp_path: Path) -> None:
    log = turned()
    rotated, retired = log.windows[1].from_size, log.windows[0].to_size
    assert retired == rotated + 4
    cases = {
        rotated - 1: [(OLD,), (OLD, NEW)],  # NEW's line is one too many, but of a key that is not due: passed
        rotated: [(OLD, NEW)],
        retired: [(OLD, NEW)],
        retired + 1: [(NEW,), (OLD, NEW)],
    }
    for size, good in cases.items():
        for number, signers in enumerate(((OLD,), (NEW,), (OLD, NEW))):
            report = audit(
                log.bundle(tmp_path / f"{size}-{number}", kept=at(log, size, *signers)), vkeys(OLD)
            )
            expected = [] if signers in good else [("ANCHOR", f"checkpoints/{size}")]
            assert places(report) == expected, (size, signers)


def test_a_retired_key_signs_no_newer_tree(tmp_path: Path) -> None:
    """Who has stolen the retired key cannot sign the log's present head with it."""
    log = turned()
    entries = log.entries()
    stolen = at(log, len(entries), OLD)[len(entries)]
    report = audit(log.bundle(tmp_path / "b", kept={}, checkpoint=stolen), vkeys(OLD))
    assert [code for code, _ in found(report)] == ["ROOT"]


@pytest.mark.parametrize(
    "windows",
    [
        lambda _: [KeyWindow(OLD.vkey)],
        lambda w: [KeyWindow(OLD.vkey), w[1]],
        lambda w: [KeyWindow(OLD.vkey, 0, w[0].to_size + 1), w[1]],
        lambda w: [w[0], KeyWindow(NEW.vkey, w[1].from_size + 1)],
        lambda w: [w[0], KeyWindow(NEW.vkey)],
        lambda w: [*w, KeyWindow(THIRD.vkey, 9)],
    ],
)
@pytest.mark.parametrize("signatures", [True, False])
def test_windows_other_than_the_entries_give_are_found(tmp_path: Path, windows, signatures) -> None:
    log = turned()
    log.windows = windows(log.windows)
    report = audit(log.bundle(tmp_path / "b", kept={}), vkeys(OLD, NEW), signatures=signatures)
    if not signatures and len(log.windows) > 1 and log.windows[0].to_size is None:
        assert report.clean, "a retirement that keys.json does not name is left out; both keys then sign"
        return
    assert not report.clean
    hidden = not signatures and len(log.windows) == 1  # without the statements: only by the pinned key
    assert ("ROOT" if hidden else "KEY", None if hidden else "keys.json") in places(report)


def test_an_sm2_line_is_asked_for_within_its_window(tmp_path: Path) -> None:
    pytest.importorskip("gmssl_pyx")
    chinese = NoteSigner(ORIGIN, SM2_SM3.generate())
    log = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    log.owners.append(chinese)
    size = log.rotate(OLD, chinese) + 1
    log.party("org_buyer", "TRD.INQUIRE", "trd_99", buyer_id="org_buyer", after="INQUIRED")
    assert audit(log.bundle(tmp_path / "a"), vkeys(OLD)).clean
    without = log.bundle(tmp_path / "b", kept=at(log, size, OLD))
    assert places(audit(without, vkeys(OLD))) == [("ANCHOR", f"checkpoints/{size}")]
    foreign = log.bundle(tmp_path / "c", kept=at(log, size, OLD, NoteSigner(ORIGIN, SM2_SM3.generate())))
    assert places(audit(foreign, vkeys(OLD))) == [("ANCHOR", f"checkpoints/{size}")]


def test_nothing_is_sealed_after_the_last_entry(tmp_path: Path) -> None:
    log = Turning(envelopes=(told := story(1)).envelopes, openings=told.openings)
    log.close("compromised")
    assert audit(log.bundle(tmp_path / "a"), vkeys(OLD)).clean
    seq = log.party("org_buyer", "TRD.INQUIRE", "trd_99", buyer_id="org_buyer", after="INQUIRED")
    report = audit(log.bundle(tmp_path / "b"), vkeys(OLD))
    assert found(report) == [("KEY", seq)]
    assert "closed" in report.problems[0].why


@pytest.mark.parametrize("signatures", [True, False])
def test_every_pinned_key_is_one_that_the_log_knows(tmp_path: Path, signatures) -> None:
    """Who stole a retired key makes a log in which it never retired; so the new key is pinned beside it."""
    turned_over = turned().bundle(tmp_path / "a")
    assert audit(turned_over, vkeys(OLD, NEW), signatures=signatures).clean
    story_of_a_thief = Turning(envelopes=(told := story(2)).envelopes, openings=told.openings).bundle(
        tmp_path / "b"
    )
    assert audit(story_of_a_thief, vkeys(OLD), signatures=signatures).clean
    report = audit(story_of_a_thief, vkeys(OLD, NEW), signatures=signatures)
    assert found(report) == [("ROOT", None)]
    assert report.problems[0].why.startswith("the log does not know a pinned key")


def test_a_folder_of_tiles_tells_its_keys_to_an_audit_of_checkpoints_alone(tmp_path: Path) -> None:
    bundle = turned().bundle(tmp_path / "a", kept={})
    for name in ("keys.json", "manifest.json", "manifest.note"):
        (bundle / name).unlink()
    shutil.rmtree(bundle / "openings", ignore_errors=True)
    for pinned in (vkeys(OLD), vkeys(OLD, NEW)):
        report = audit(bundle, pinned, signatures=False)
        assert report.clean, report.problems
    assert found(audit(bundle, vkeys(OLD, NEW, THIRD), signatures=False)) == [("ROOT", None)]


def test_an_audit_of_checkpoints_alone_goes_on_from_its_state(tmp_path: Path) -> None:
    log, state = turned(), tmp_path / "state"
    for number in range(300):
        log.party("org_seller", "TST.SAY", f"obj_{number}")
    assert audit(log.bundle(tmp_path / "a", kept={}), vkeys(OLD), signatures=False, state=state).clean
    log.rotate(NEW, THIRD)
    report = audit(log.bundle(tmp_path / "b", kept={}), vkeys(OLD), signatures=False, state=state)
    assert (report.clean, report.resumed_from) == (True, 256), report.problems
    log.windows.pop()
    report = audit(log.bundle(tmp_path / "c", kept={}), vkeys(OLD), signatures=False, state=state)
    assert places(report) == [("KEY", "keys.json")]
