"""What could be stated of persons' consents that never was: another's word, a settlement by nothing."""

from pathlib import Path

import pytest

from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis

BEGIN = 9
"""The seq of the first statement behind the genesis."""
GIVEN, HELD = "sgc_1", {"holder_id": "org_seller"}


def problems(log: Log, tmp_path: Path) -> list[tuple[int | None, str]]:
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert {code for code, _ in found(report)} <= {"KEY"}
    return [(one.seq, one.why) for one in report.problems]


def fallen(log: Log) -> None:
    log.exchange("SGC.GIVE", GIVEN, after="GIVEN", **HELD)
    log.exchange("SGC.WITHDRAW", GIVEN, before="GIVEN", after="WITHDRAWN", **HELD)


def shown(log: Log, consent_id: str, *, present: bool) -> None:
    facts = {"consent_id": consent_id, "present": present, "before": "WITHDRAWN", "after": "WITHDRAWN"}
    log.party("org_seller", "SGC.SHOW", GIVEN, **facts, **HELD)


def settled(log: Log, consent_id: str) -> None:
    facts = {"consent_id": consent_id, "before": "WITHDRAWN", "after": "SETTLED"}
    log.exchange("SGC.SETTLE", GIVEN, **facts, **HELD)


@pytest.mark.parametrize(
    ("show", "settle", "why"),
    [
        (("cns_2", False), "cns_2", None),
        (("cns_2", True), "cns_2", "settled by a record"),
        (("cns_3", False), "cns_2", "settled by a record"),
        (None, "cns_2", "settled by a record"),
    ],
)
def test_a_withdrawal_is_settled_by_what_its_holder_has_shown(tmp_path: Path, show, settle, why) -> None:
    log = Log()
    genesis(log)
    fallen(log)
    if show is not None:
        shown(log, show[0], present=show[1])
    settled(log, settle)
    said = [one for _, one in problems(log, tmp_path)]
    assert len(said) == (0 if why is None else 1)
    assert all(why in one for one in said)


def test_a_holder_and_a_receiver_speak_for_themselves(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    told = {"receiver_id": "org_buyer", **HELD}
    log.exchange("SDD.TELL", "sdd_1", after="TOLD", **told)
    log.party("org_seller", "SDD.CONFIRM", "sdd_1", before="TOLD", after="CONFIRMED", **told)
    log.exchange("SRQ.SUBMIT", "srq_1", after="SUBMITTED", holder_id="org_other")
    log.party(
        "org_seller", "SRQ.ANSWER", "srq_1", before="SUBMITTED", after="ANSWERED", holder_id="org_other"
    )
    assert problems(log, tmp_path) == [
        (BEGIN + 1, "a deletion is confirmed by another one than was told"),
        (BEGIN + 3, "SRQ.ANSWER is of another than the holder it names"),
    ]
