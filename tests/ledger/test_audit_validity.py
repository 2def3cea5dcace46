"""A signature counts only if its key was valid at that seq, whatever time it claims; chains of two suites."""

import base64
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ledger import sm2
from ledger.suites import SM2_SM3, PrivateKey
from supervision.audit import audit
from supervision.audit_report import Code
from tests.ledger.audited import found
from tests.ledger.make_bundle import OPERATOR, START, VKEY, Log, b64, genesis, key, sha, story, time

NEW = key("org_seller 2")
OLD = key("org_seller")
LONG_AGO = time(START - timedelta(days=30))
LATER = time(START + timedelta(days=30))


def draft(log: Log, signer: PrivateKey, at: str) -> int:
    name = f"lst_{len(log.envelopes)}"
    return log.party("org_seller", "LST.DRAFT", name, signer=signer, occurred_at=at)


def revoke(log: Log, which: PrivateKey, signer: PrivateKey) -> int:
    facts = {"org_id": "org_seller", "keyid": sha(which.public), "reason": "superseded"}
    return log.party("org_seller", "KEY.REVOKE", "key_old", signer=signer, **facts)


@pytest.mark.parametrize("said_at", [LONG_AGO, None, LATER])
def test_a_key_speaks_from_the_entry_after_its_registration_to_its_revocation(tmp_path, said_at) -> None:
    log = Log()
    genesis(log)
    at = said_at or time(START + timedelta(minutes=9))
    before = draft(log, NEW, at)
    registered = log.register("org_seller", ["PROVIDER"], NEW, OLD)
    overlap = [draft(log, NEW, at), draft(log, OLD, at)]
    revoked = revoke(log, OLD, NEW)
    after = draft(log, OLD, at)
    still = draft(log, NEW, at)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert found(report) == [("KEY", before), ("KEY", after)]
    assert registered not in {p.seq for p in report.problems}
    assert not {*overlap, revoked, still} & {p.seq for p in report.problems}
    assert "revoked at seq" in report.problems[-1].why


def test_a_back_dated_act_does_not_come_before_the_revocation_that_was_sealed_first(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_seller", ["PROVIDER"], NEW, OLD)
    revoke(log, OLD, NEW)
    late = draft(log, OLD, LONG_AGO)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", late)]


def test_a_key_signs_its_own_revocation_and_nothing_after(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    revoke(log, OLD, OLD)
    assert audit(log.write(tmp_path / "a"), [VKEY]).clean
    again = revoke(log, OLD, OLD)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", again)]


def test_a_revoked_key_neither_vouches_nor_comes_back(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_seller", ["PROVIDER"], NEW, OLD)
    revoke(log, OLD, NEW)
    vouched = log.register("org_seller", ["PROVIDER"], key("third"), OLD)
    back = log.register("org_seller", ["PROVIDER"], OLD, NEW)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", vouched), ("KEY", back)]


def exchange_says(log: Log, signer: PrivateKey) -> int:
    return log.say(
        "REF.REFUSE", f"obj_{len(log.envelopes)}", signer, actor=OPERATOR, role="EXCHANGE_OPERATOR"
    )


def test_the_exchange_s_own_key_is_rotated_with_an_overlap(tmp_path: Path) -> None:
    """Registered by new and old; then both speak; then the new one revokes the old."""
    log, old, new = Log(), key("exchange"), key("exchange 2")
    genesis(log)
    before = exchange_says(log, new)
    log.register(OPERATOR, ["EXCHANGE_OPERATOR"], new, old)
    exchange_says(log, old)
    exchange_says(log, new)
    facts = {"org_id": OPERATOR, "keyid": sha(old.public), "reason": "superseded"}
    log.say("KEY.REVOKE", "key_x", new, actor=OPERATOR, role="EXCHANGE_OPERATOR", **facts)
    exchange_says(log, new)
    after = exchange_says(log, old)
    admits = log.register("org_late", ["BUYER"], key("late"), new)
    forged = log.register("org_forged", ["BUYER"], key("forged"), old)
    assert admits not in (wrong := [seq for _, seq in found(audit(log.write(tmp_path / "b"), [VKEY]))])
    assert wrong == [before, after, forged]


def test_the_exchange_alone_cannot_give_itself_a_key_that_speaks_for_a_party(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    forged = log.register("org_seller", ["PROVIDER"], NEW, key("exchange"))
    spoken = draft(log, NEW, LONG_AGO)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", forged), ("KEY", spoken)]


# --- two suites in one chain


@pytest.fixture(scope="module")
def chinese() -> PrivateKey:
    pytest.importorskip("gmssl_pyx")
    return SM2_SM3.generate()


def mixed(chinese: PrivateKey) -> tuple[Log, int]:
    """A seller moves to an SM2 key, signs with both, and gives the old one up."""
    log = story(1)
    seq = log.register("org_seller", ["PROVIDER"], chinese, NEW)
    draft(log, chinese, LATER)
    draft(log, NEW, LATER)
    revoke(log, NEW, chinese)
    return log, draft(log, chinese, LATER) if seq else 0


def test_a_chain_of_both_suites_verifies(tmp_path: Path, chinese) -> None:
    log, last = mixed(chinese)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert report.clean, report.problems
    assert report.entries == last + 1
    assert len(chinese.public) == 65


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_a_changed_sm2_signature_is_found(tmp_path: Path, chinese, at: int) -> None:
    log, last = mixed(chinese)
    (signature,) = log.envelopes[last]["signatures"]
    raw = bytearray(base64.b64decode(signature["sig"]))
    raw[at] ^= 1
    signature["sig"] = b64(bytes(raw))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("SIG", last)]


def test_the_suite_is_that_of_the_key_and_cannot_be_claimed(tmp_path: Path, chinese) -> None:
    log = Log()
    genesis(log)
    wrong = []
    for new, suite in ((chinese, "ed25519-sha256"), (NEW, "sm2-sm3"), (NEW, "rsa"), (NEW, None)):
        facts = {"org_id": "org_seller", "roles": ["PROVIDER"], "custody": "self-held", "suite": suite}
        facts |= {"keyid": sha(new.public), "public_key": b64(new.public)}
        wrong.append(log.say("KEY.REGISTER", "key_x", new, OLD, actor="org_seller", role="PROVIDER", **facts))
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", seq) for seq in wrong]


def test_a_point_off_the_curve_is_no_key(tmp_path: Path, chinese) -> None:
    log = Log()
    genesis(log)
    off = chinese.public[:-1] + bytes([chinese.public[-1] ^ 1])
    facts = {"org_id": "org_seller", "roles": ["PROVIDER"], "custody": "self-held", "suite": "sm2-sm3"}
    facts |= {"keyid": sha(off), "public_key": b64(off)}
    seq = log.say("KEY.REGISTER", "key_x", chinese, OLD, actor="org_seller", role="PROVIDER", **facts)
    assert found(audit(log.write(tmp_path / "b"), [VKEY])) == [("KEY", seq)]


def test_where_sm2_cannot_be_checked_the_audit_is_not_clean(tmp_path: Path, chinese, monkeypatch) -> None:
    log, _ = mixed(chinese)
    bundle = log.write(tmp_path / "b")
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    sm2._library.cache_clear()
    try:
        report = audit(bundle, [VKEY])
    finally:
        monkeypatch.undo()
        sm2._library.cache_clear()
    assert {code for code, _ in found(report)} == {"SIG"}
    assert "gmssl-pyx is not installed" in report.problems[0].why


@pytest.mark.parametrize("before", [False, True], ids=["whole", "gone on from a state"])
def test_an_sm2_key_is_reported_and_never_asked_tiles_after_its_registration(
    tmp_path: Path, chinese, monkeypatch, before
) -> None:
    log, _ = mixed(chinese)
    state = tmp_path / "state" if before else None
    for _ in range(300):
        draft(log, chinese, LATER)
    assert audit(log.write(tmp_path / "a"), [VKEY], state=state).clean
    last = draft(log, chinese, LATER)
    bundle = log.write(tmp_path / "b")
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    sm2._library.cache_clear()
    try:
        report = audit(bundle, [VKEY], state=state)
    finally:
        monkeypatch.undo()
        sm2._library.cache_clear()
    assert set(report.counts) == {Code.SIG}
    assert 300 < report.counts[Code.SIG] <= last
    assert "gmssl-pyx is not installed" in report.problems[0].why
