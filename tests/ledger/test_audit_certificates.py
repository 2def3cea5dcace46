"""What an exchange could state of a broker's certificate that never was, or not in this order."""

from pathlib import Path
from typing import Any

import pytest

from brokers.states import CERTIFICATE_MOVES
from supervision.audit import audit
from supervision.audit_moves import CERTIFICATE_MOVES as AUDITED
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis

BEGIN = 9
"""The seq of the first statement behind the genesis."""
WHO = {"b": "org_broker", "a": "org_authority", "s": "org_seller"}
VOTED = f"b:APPLY>APPLIED a:REVIEW>UNDER_REVIEW{3 * ' a:VOTE>UNDER_REVIEW'}"
NOTICED = f"{VOTED} a:NOTICE>PUBLIC_NOTICE"
ISSUED = f"{NOTICED} a:CERTIFY>ACTIVE"


def steps(story: str, cert_id: str = "crt_1", log: Log | None = None, **named: dict[str, Any]) -> Log:
    """Each `who:EVENT>STATE` goes on from the state before; `EVENT=` adds members to that statement."""
    if log is None:
        log = Log()
        genesis(log)
    state: str | None = None
    for step in story.split():
        who, _, moved = step.partition(":")
        event, _, to = moved.partition(">")
        members = {"cert_id": cert_id, "org_id": "org_broker", "before": state, "after": to}
        members = {name: value for name, value in members.items() if value is not None}
        members |= {"votes": 3} if event in {"NOTICE", "REFUSE"} else {}
        members |= named.get(event, {})
        if who == "x":
            log.exchange(f"BRK.{event}", cert_id, **members)
        else:
            log.party(WHO[who], f"BRK.{event}", cert_id, **members)
        state = to
    return log


def audited(log: Log, tmp_path: Path) -> Report:
    return audit(log.write(tmp_path / "b"), [VKEY])


def test_the_steps_are_those_of_the_brokers_own_table() -> None:
    back = {(at, event) for (at, event), move in CERTIFICATE_MOVES.items() if move.or_to}
    assert back == {(at, event) for at, event in back if AUDITED[at.value, f"BRK.{event.value}"][1] is None}
    table = {
        (at and at.value, f"BRK.{event.value}"): (move.roles, None if move.or_to else move.to.value)
        for (at, event), move in CERTIFICATE_MOVES.items()
    }
    assert table == AUDITED


@pytest.mark.parametrize(
    "story",
    [
        ISSUED,
        "a:CERTIFY>ACTIVE",
        "b:APPLY>APPLIED x:OVERDUE>APPLIED a:ASK_CORRECTION>CORRECTING x:LAPSE>LAPSED",
        f"{NOTICED} s:OBJECT>OBJECTED a:DISMISS>PUBLIC_NOTICE s:OBJECT>OBJECTED a:UPHOLD>REFUSED",
        f"{ISSUED} x:SUSPEND>SUSPENDED x:EMERGENCY_OVER>ACTIVE b:ANNUAL_REPORT>ACTIVE a:ANNUAL_PASS>ACTIVE",
        f"{ISSUED} x:SUSPEND>SUSPENDED a:SUSPEND>SUSPENDED a:REVOKE>REVOKED",
        f"{ISSUED} b:EXIT_NOTICE>EXITING a:SUSPEND>SUSPENDED a:REINSTATE>EXITING b:EXIT>EXITED",
        f"{ISSUED} a:RECTIFY>RECTIFYING x:SUSPEND>SUSPENDED x:EMERGENCY_OVER>RECTIFYING",
        f"{ISSUED} a:RECTIFY>RECTIFYING a:SUSPEND>SUSPENDED b:RECTIFIED>SUSPENDED",
        f"{ISSUED} a:RECTIFY>RECTIFYING a:SUSPEND>SUSPENDED x:RECTIFY_MISS>SUSPENDED a:REINSTATE>ACTIVE",
        f"{ISSUED} a:WARN>ACTIVE a:CUT_SCOPE>ACTIVE b:RENEW>ACTIVE x:EXPIRE>EXPIRED",
    ],
)
def test_an_honest_certificate_is_clean(tmp_path: Path, story: str) -> None:
    assert found(audited(steps(story), tmp_path)) == []


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ("a:REVIEW>UNDER_REVIEW", "that nobody applied for"),
        ("b:APPLY>ACTIVE", "leads from None to APPLIED"),
        ("b:APPLY>APPLIED a:CERTIFY>ACTIVE", "a certificate that is APPLIED does not take BRK.CERTIFY"),
        (f"{NOTICED} s:OBJECT>OBJECTED a:CERTIFY>ACTIVE", "OBJECTED does not take BRK.CERTIFY"),
        (f"{ISSUED} a:REVOKE>REVOKED", "ACTIVE does not take BRK.REVOKE"),
        (f"{ISSUED} a:SUSPEND>SUSPENDED x:EMERGENCY_OVER>ACTIVE", "not its own"),
        (f"{ISSUED} x:SUSPEND>SUSPENDED a:SUSPEND>SUSPENDED x:EMERGENCY_OVER>ACTIVE", "not its own"),
        (f"{ISSUED} x:MISS_REPORT>SUSPENDED x:EMERGENCY_OVER>ACTIVE", "not its own"),
        (f"{ISSUED} x:SUSPEND>SUSPENDED x:MISS_REPORT>SUSPENDED x:EMERGENCY_OVER>ACTIVE", "not its own"),
        (f"{ISSUED} a:SUSPEND>SUSPENDED a:SUSPEND>SUSPENDED", "no emergency of the exchange's"),
        (f"{ISSUED} x:SUSPEND>SUSPENDED x:SUSPEND>SUSPENDED", "is not for EXCHANGE_OPERATOR to say"),
        (f"{ISSUED} b:EXIT_NOTICE>EXITING a:SUSPEND>SUSPENDED a:REINSTATE>ACTIVE", "SUSPENDED to EXITING"),
        (f"{ISSUED} a:RECTIFY>RECTIFYING a:ANNUAL_FAIL>SUSPENDED a:REINSTATE>RECTIFYING", "to ACTIVE"),
        (f"{ISSUED} a:SUSPEND>SUSPENDED a:REVOKE>REVOKED a:REINSTATE>ACTIVE", "REVOKED does not take"),
        (f"{ISSUED} a:SUSPEND>SUSPENDED a:REVOKE>REVOKED a:CERTIFY>ACTIVE", "REVOKED does not take"),
        (
            f"{VOTED.replace(' a:VOTE>UNDER_REVIEW', '', 1)} a:NOTICE>PUBLIC_NOTICE",
            "3 votes of 2 that were stated",
        ),
        ("b:APPLY>APPLIED a:REVIEW>UNDER_REVIEW a:REFUSE>REFUSED", "3 votes of 0 that were stated"),
        (f"{ISSUED} a:PARDON>ACTIVE", "BRK.PARDON is no step of a certificate"),
        (f"{ISSUED} b:WARN>ACTIVE", "BRK.WARN is not for BROKER to say"),
    ],
)
def test_a_step_that_the_table_does_not_allow_is_found(tmp_path: Path, story: str, why: str) -> None:
    log = steps(story)
    report = audited(log, tmp_path)
    assert found(report) == [("KEY", len(log.envelopes) - 1)]
    assert why in report.problems[0].why


@pytest.mark.parametrize("gone", range(len(ISSUED.split())))
def test_a_step_that_never_was_is_found_at_the_next_one(tmp_path: Path, gone: int) -> None:
    log = steps(f"{ISSUED} a:SUSPEND>SUSPENDED")
    del log.envelopes[BEGIN + gone]
    notice = 4  # a vote leaves the state as it is: how many there were says BRK.NOTICE
    assert found(audited(log, tmp_path)) == [("KEY", BEGIN + (notice if 2 <= gone <= notice else gone))]


def test_two_are_no_panel_even_where_they_say_so(tmp_path: Path) -> None:
    story = f"{VOTED.replace(' a:VOTE>UNDER_REVIEW', '', 1)} a:NOTICE>PUBLIC_NOTICE"
    for said in (2, None, "3", True):
        log = steps(story, NOTICE={"votes": said})
        assert found(audited(log, tmp_path / str(said))) == [("KEY", len(log.envelopes) - 1)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"before": "SUSPENDED"}, "leads from ACTIVE to SUSPENDED, and says SUSPENDED to SUSPENDED"),
        ({"after": "REVOKED"}, "leads from ACTIVE to SUSPENDED, and says ACTIVE to REVOKED"),
        ({"before": None, "after": None}, "says None to None"),
        ({"org_id": "org_seller"}, "names another holder than org_broker"),
        ({"cert_id": "crt_2"}, "names another certificate"),
    ],
)
def test_a_step_that_says_otherwise_is_found(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    report = audited(steps(f"{ISSUED} a:SUSPEND>SUSPENDED", SUSPEND=changes), tmp_path)
    assert found(report) == [("KEY", BEGIN + 7)]
    assert why in report.problems[0].why


LONG_AGO, FAR = "2026-01-01T00:00:00.000Z", "2029-12-31T15:59:59.999Z"


@pytest.mark.parametrize(
    ("story", "names", "member"),
    [
        (ISSUED, "NOTICE", "notice_until"),
        (f"{ISSUED} x:SUSPEND>SUSPENDED x:EMERGENCY_OVER>ACTIVE", "SUSPEND", "until"),
        (f"{ISSUED} b:EXIT_NOTICE>EXITING b:EXIT>EXITED", "EXIT_NOTICE", "exits_at"),
    ],
)
def test_what_comes_before_its_time_is_found(tmp_path: Path, story: str, names: str, member: str) -> None:
    late = steps(story, **{names: {member: LONG_AGO}})
    assert found(audited(late, tmp_path / "late")) == []
    early = steps(story, **{names: {member: FAR}})
    assert found(audited(early, tmp_path / "early")) == [("KEY", len(early.envelopes) - 1)]


def test_who_is_barred_is_not_certified_anew_under_another_certificate(tmp_path: Path) -> None:
    story = f"{ISSUED} a:SUSPEND>SUSPENDED a:REVOKE>REVOKED"
    over = steps(story, REVOKE={"barred_until": LONG_AGO})
    assert audited(steps("b:APPLY>APPLIED", "crt_2", over), tmp_path / "over").clean
    for begins in ("b:APPLY>APPLIED", "a:CERTIFY>ACTIVE"):
        barred = steps(story, REVOKE={"barred_until": FAR})
        report = audited(steps(begins, "crt_2", barred), tmp_path / begins.partition(">")[0][2:])
        assert found(report) == [("KEY", BEGIN + 9)]
        assert "within the bar" in report.problems[0].why


def granted(begin: str, end: str, no: str) -> dict[str, Any]:
    days = {"valid_from": f"{begin}T00:00:00.000Z", "valid_to": f"{end}T00:00:00.000Z"}
    return {"CERTIFY": days | {"cert_no": no}}


@pytest.mark.parametrize(
    ("after", "second", "why"),
    [
        ("", granted("2027-01-02", "2027-12-31", "NO-2"), None),
        (
            "",
            granted("2026-12-31", "2027-12-31", "NO-2"),
            "a second certificate beside crt_1, which is ACTIVE",
        ),
        ("", granted("2025-01-01", "2029-01-01", "NO-2"), "a second certificate beside crt_1"),
        ("", granted("2027-01-02", "2027-12-31", "NO-1"), "the number NO-1 is another certificate's"),
        (" a:SUSPEND>SUSPENDED", granted("2027-01-02", "2027-12-31", "NO-2"), "which is SUSPENDED"),
        (" x:EXPIRE>EXPIRED", granted("2026-06-01", "2027-12-31", "NO-2"), None),
    ],
)
def test_a_holder_has_one_certificate_at_a_time_under_its_own_number(
    tmp_path: Path, after: str, second: dict[str, Any], why: str | None
) -> None:
    log = steps(f"{ISSUED}{after}", **granted("2026-01-01", "2027-01-01", "NO-1"))
    steps(ISSUED, "crt_2", log, **second)
    report = audited(log, tmp_path)
    assert found(report) == ([] if why is None else [("KEY", len(log.envelopes) - 1)])
    assert why is None or why in report.problems[0].why


def test_certificates_do_not_go_on_from_each_other(tmp_path: Path) -> None:
    log = steps(NOTICED)
    log.party("org_authority", "BRK.CERTIFY", "crt_2", org_id="org_broker", **{"from": "PUBLIC_NOTICE"})
    assert found(audited(log, tmp_path)) == [("KEY", BEGIN + 6)]


def test_an_audit_that_goes_on_remembers_certificates(tmp_path: Path) -> None:
    log = steps(f"{ISSUED} a:SUSPEND>SUSPENDED a:REVOKE>REVOKED")
    for _ in range(250):
        log.party("org_authority", "PNL.RECUSE", "org_broker", org_id="org_broker")
    state = tmp_path / "state"
    assert audit(log.write(tmp_path / "first"), [VKEY], state=state).clean
    again = log.party("org_authority", "BRK.CERTIFY", "crt_1", org_id="org_broker", after="ACTIVE")
    report = audit(log.write(tmp_path / "second"), [VKEY], state=state)
    assert found(report) == [("KEY", again)]


def test_no_trade_takes_the_place_of_a_certificate(tmp_path: Path) -> None:
    """Records of both lie on one shelf: an inquiry under such a name is none, and wipes nothing out."""
    log = steps(f"{ISSUED} a:SUSPEND>SUSPENDED a:REVOKE>REVOKED")
    parties = {"seller_id": "org_seller", "buyer_id": "org_buyer"}
    trade = log.party("org_buyer", "TRD.INQUIRE", "certificate/crt_1", **parties, after="INQUIRED")
    again = log.party("org_authority", "BRK.CERTIFY", "crt_1", org_id="org_broker", after="ACTIVE")
    assert found(audited(log, tmp_path)) == [("KEY", trade), ("KEY", again)]
