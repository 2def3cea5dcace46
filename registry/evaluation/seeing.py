"""Who may see what of an evaluation: everybody once it is published, before that whom it concerns."""

from collections.abc import Collection
from typing import Any, Final

import orjson

from registry.evaluation.rules import Indicator, points
from registry.evaluation.states import EvaluationState
from registry.evaluation.tables import EvaluationRow, FrozenRow

LOOKERS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})


def may_see(row: EvaluationRow, *, org_id: str | None, roles: Collection[str]) -> bool:
    """Whether somebody of an organisation with these roles sees this evaluation at all."""
    return (
        row.status is EvaluationState.PUBLISHED or row.agency_id == org_id or bool(LOOKERS & frozenset(roles))
    )


def sees_inside(row: EvaluationRow, *, org_id: str | None, roles: Collection[str]) -> bool:
    """Whether they see what was written, and every record that was counted, beside the figures."""
    return row.agency_id == org_id or bool(LOOKERS & frozenset(roles))


def drilled(kept: FrozenRow, *, inside: bool) -> list[dict[str, Any]]:
    """Each indicator with its share, its points and its groups of records; their ids to insiders alone."""
    inputs, result = orjson.loads(kept.inputs), orjson.loads(kept.result)
    found = []
    for one in result["indicators"]:
        facts = inputs["indicators"][one["name"]]
        groups = {} if facts is None else facts["groups"]
        shown = {
            name: {key: value for key, value in group.items() if inside or key != "ids"}
            for name, group in groups.items()
        }
        mean = None if one["name"] != Indicator.QUALITY or not facts else _mean(facts)
        found.append({**one, "groups": shown, "mean_tenths": mean})
    return found


def _mean(facts: dict[str, Any]) -> int | None:
    measured: int = facts["groups"]["measured"]["count"]
    return int(facts["tenths"]) // measured if measured else None


def rows_of(listed: Collection[tuple[EvaluationRow, str, FrozenRow | None]]) -> list[list[str]]:
    """A table of evaluations for a spreadsheet: the head, then a line an agency."""
    head = ["agency_id", "agency", "status", "score", "grade", *(name.value for name in Indicator)]
    lines = [head]
    for row, name, kept in listed:
        shares = {} if kept is None else {one["name"]: one for one in orjson.loads(kept.result)["indicators"]}
        cells = [
            ""
            if (one := shares.get(indicator.value)) is None or one["points"] is None
            else points(one["points"])
            for indicator in Indicator
        ]
        score = "" if row.score is None else points(row.score)
        lines.append([row.agency_id, name, row.status.value, score, row.grade or "", *cells])
    return lines
