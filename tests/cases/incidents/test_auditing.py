"""The auditor finds a false step of an incident, and a report that lies about its time."""

from types import SimpleNamespace
from typing import Any

import pytest

from supervision.audit_incidents import late_is_said
from supervision.audit_registry import MACHINES
from supervision.audit_steps import _judge

DUE = "2026-11-17T06:00:00.000Z"


def said(event: str, **predicate: Any) -> Any:
    return SimpleNamespace(event=event, predicate=predicate, text=predicate.get)


def begun(**more: Any) -> dict[str, Any]:
    """An incident that was detected four hours before DUE, and graded."""
    held: dict[str, Any] = {}
    detected = said("INC.DETECT", detected_at="2026-11-17T02:00:00.000Z")
    due = {"REPORT": DUE, "REPORT_DATA": "2026-11-18T02:00:00.000Z"} | more
    graded = said("INC.GRADE", due=due, level="LARGER", occurred_at="2026-11-17T02:10:00.000Z")
    assert list(late_is_said(held, detected)) == []
    held["found"] = list(late_is_said(held, graded))
    return held


def told(at: str, *, late: bool, **more: Any) -> list[str]:
    held = begun()
    assert held["found"] == []
    report = {"report": "FIRST", "receiver": "CAC", "due_at": DUE, "occurred_at": at, "late": late} | more
    return list(late_is_said(held, said("INC.REPORT", **report)))


@pytest.mark.parametrize(
    ("at", "late", "false"),
    [
        (DUE, False, False),
        ("2026-11-17T06:00:00.001Z", True, False),
        ("2026-11-17T06:00:00.001Z", False, True),
        ("2026-11-17T05:49:59.999Z", True, True),
        ("2026-11-17T05:55:00.000Z", True, False),  # its signature may have come ten minutes later
    ],
)
def test_a_report_says_truly_whether_it_came_late(at: str, late: bool, false: bool) -> None:  # noqa: FBT001
    assert bool(told(at, late=late)) is false


def test_a_report_names_its_own_time_and_no_other() -> None:
    data = "2026-11-18T02:00:00.000Z"
    assert told("2026-11-17T22:00:00.000Z", late=False, due_at=data)  # another clock's
    assert told("2026-11-17T22:00:00.000Z", late=False, due_at=data, receiver="DATA_AUTHORITY") == []
    assert told(DUE, late=False, due_at=None) == ["a first report says until when it was due"]
    assert told(DUE, late=False, due_at=None, report="FOLLOW_UP")  # it is the first all the same
    assert told(DUE, late=False, receiver="PUBLIC_SECURITY")  # nothing was due to it


def test_a_grading_sets_the_times_of_the_law() -> None:
    assert begun(REPORT="2027-11-17T06:00:00.000Z")["found"]
    held: dict[str, Any] = {}
    assert list(late_is_said(held, said("INC.GRADE", level="MAJOR", due={})))
    contained = said("INC.CONTAIN")
    assert list(late_is_said(begun(), contained)) == [
        "an incident that has to be reported is contained without a report"
    ]


def test_what_is_handed_on_is_due_half_an_hour_after_the_report() -> None:
    def handed(due_at: str) -> list[str]:
        hour = "2026-11-17T03:00:00.000Z"
        held = begun(REPORT=hour, REPORT_SECURITY=hour)
        report = {"report": "FIRST", "receiver": "DATA_AUTHORITY", "late": False}
        told = {"due_at": "2026-11-17T03:00:00.000Z", "occurred_at": "2026-11-17T02:30:00.000Z"}
        assert list(late_is_said(held, said("INC.REPORT", **report, **told))) == []
        forward = {"receiver": "CAC", "due_at": due_at, "occurred_at": due_at, "late": False}
        return list(late_is_said(held, said("INC.FORWARD", **forward)))

    assert handed("2026-11-17T03:00:00.000Z") == []
    assert handed("2026-11-17T04:00:00.000Z")


def test_a_step_that_the_table_does_not_have_is_found() -> None:
    name, moves = MACHINES["inc_"]
    closed = {"role": "EXCHANGE_OPERATOR", "from": "REPORTED", "to": "CLOSED"}
    assert list(_judge(name, moves, {"state": "REPORTED"}, said("INC.CLOSE", **closed)))
    right = closed | {"from": "REVIEWED"}
    assert list(_judge(name, moves, {"state": "REVIEWED"}, said("INC.CLOSE", **right))) == []
    stranger = right | {"role": "PROVIDER"}
    assert list(_judge(name, moves, {"state": "REVIEWED"}, said("INC.CLOSE", **stranger)))
