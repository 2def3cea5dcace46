"""What an operator could state of uses that were never made, or twice: the auditor finds it."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, trade

RIGHT = {"entitlement_id": "ent_1", "trade_id": "trd_0000", "kind": "API", "root": "ab" * 32, "units": 3}


def stated(log: Log, *ranges: tuple[Any, Any], **changes: Any) -> None:
    for first, last in ranges:
        told = RIGHT | {"first": first, "last": last, "uses": last - first + 1} | changes
        log.exchange("DLV.USAGE", "trd_0000", **told)


def audited(tmp_path: Path, *ranges: tuple[Any, Any], **changes: Any) -> Any:
    log = Log()
    genesis(log)
    trade(log, 0)
    stated(log, *ranges, **changes)
    return audit(log.write(tmp_path / "b"), [VKEY])


def test_uses_that_follow_one_another_are_clean(tmp_path: Path) -> None:
    assert audited(tmp_path, (1, 3), (4, 4), (5, 1000)).clean


@pytest.mark.parametrize(
    ("ranges", "changes", "why"),
    [
        ([(2, 3)], {}, "the uses of ent_1 begin with 2"),
        ([(1, 3), (5, 6)], {}, "uses up to 3 of ent_1 are stated, and now those from 5 on"),
        ([(1, 3), (3, 6)], {}, "uses up to 3 of ent_1 are stated, and now those from 3 on"),
        ([(1, 3), (1, 3)], {}, "uses up to 3 of ent_1 are stated, and now those from 1 on"),
        ([(1, 3)], {"uses": 4}, "does not say of which right"),
        ([(1, 3)], {"trade_id": "trd_0001"}, "does not say of which right"),
        ([(1, 3)], {"first": "1"}, "does not say of which right"),
    ],
)
def test_a_gap_an_overlap_or_a_wrong_count_is_a_problem(tmp_path: Path, ranges, changes, why: str) -> None:
    report = audited(tmp_path, *ranges, **changes)
    assert [(code, seq is not None) for code, seq, *_ in found(report)] == [("KEY", True)]
    assert why in report.problems[0].why


def test_a_right_is_of_one_trade(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    trade(log, 0)
    trade(log, 1)
    stated(log, (1, 3))
    told = RIGHT | {"trade_id": "trd_0001", "first": 4, "last": 4, "uses": 1}
    log.exchange("DLV.USAGE", "trd_0001", **told)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert "ent_1 is a right of trd_0000" in report.problems[0].why
