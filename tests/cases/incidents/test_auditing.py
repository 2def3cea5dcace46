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


def told(at: str, *, late: bool, **more: Any) -> list[str]:
    held: dict[str, Any] = {}
    assert list(late_is_said(held, said("INC.GRADE", due={"REPORT": DUE}))) == []
    report = {"report": "FIRST", "due_at": DUE, "occurred_at": at, "late": late} | more
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


def test_the_time_is_that_of_the_grading() -> None:
    assert told(DUE, late=False, due_at="2026-11-18T06:00:00.000Z")
    assert told(DUE, late=False, due_at=None) == ["a first report says until when it was due"]
    assert told(DUE, late=False, due_at=None, report="FOLLOW_UP") == []


def test_a_step_that_the_table_does_not_have_is_found() -> None:
    name, moves = MACHINES["inc_"]
    closed = {"role": "EXCHANGE_OPERATOR", "from": "REPORTED", "to": "CLOSED"}
    assert list(_judge(name, moves, {"state": "REPORTED"}, said("INC.CLOSE", **closed)))
    right = closed | {"from": "REVIEWED"}
    assert list(_judge(name, moves, {"state": "REVIEWED"}, said("INC.CLOSE", **right))) == []
    stranger = right | {"role": "PROVIDER"}
    assert list(_judge(name, moves, {"state": "REVIEWED"}, said("INC.CLOSE", **stranger)))
