"""Findings: all of them, one by one, and the case that one of them becomes."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from cases import repository
from cases.rules import HANDLERS
from cases.states import FINAL
from cases.tables import Case
from market.listings.categories import CATEGORY_LABELS
from supervision.finding import Finding, Severity
from web.pages.acting import attempt
from web.pages.figures import figures, members
from web.pages.forms import Filled
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.regions import region
from web.pages.supervisor import READERS, as_authority, gravest_first, report_of, supervising_of
from web.pages.visiting import OPERATOR, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_STATES: Final[Mapping[str, str]] = {
    "new": N_("not decided on"),
    "case": N_("a case is open"),
    "closed": N_("its case is closed"),
}


@router.get("/reg/findings")
async def findings(
    visitor: VisitorDep,
    rule: Annotated[str, Query(max_length=20)] = "",
    severity: Annotated[str, Query(max_length=10)] = "",
    state: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The newest run's findings, the gravest first, by rule, severity and what became of each."""
    visitor.require(READERS)
    report = await report_of(visitor)
    async with visitor.node.database.read() as s:
        cases = await repository.cases_of_findings(s)
        chosen = [
            one
            for one in gravest_first(() if report is None else report.findings)
            if rule in {"", one.rule_id}
            and severity in {"", one.severity.value}
            and state in {"", _state(one, cases)}
        ]
        shown = chosen[after : after + _PAGE]
        names = await names_of(s, [subject for one in shown for subject in one.subjects])
    asked = {"rule": rule, "severity": severity, "state": state}
    return visitor.render(
        "findings.html",
        report=report,
        findings=shown,
        count=len(chosen),
        cases=cases,
        names=names,
        rule=rule,
        severity=severity,
        state=state,
        severities=[one.value for one in Severity],
        states=[(code, visitor.say(text)) for code, text in _STATES.items()],
        as_json="/api/v1/findings" + (f"?rule={rule}" if rule else ""),
        next_address=visitor.url("/reg/findings", **asked, after=after + _PAGE)
        if len(chosen) > after + _PAGE
        else None,
    )


def _state(finding: Finding, cases: Mapping[str, Case]) -> str:
    case = cases.get(finding.finding_id)
    if case is None:
        return "new"
    return "closed" if case.status in FINAL else "case"


@router.get("/reg/findings/{finding_id}")
async def finding(visitor: VisitorDep, finding_id: str) -> Response:
    """One finding: what the rule says, its numbers, its evidence, what else might explain it."""
    return await _finding(visitor, finding_id, Filled())


async def _finding(visitor: Visitor, finding_id: str, filled: Filled) -> Response:
    visitor.require(READERS)
    report = await supervising_of(visitor).report()
    found = report.finding(finding_id)
    if found is None:
        raise NotFound("no such finding", finding_id=finding_id)
    async with visitor.node.database.read() as s:
        case = await repository.case_of_finding(s, finding_id=finding_id)
        names = await names_of(s, found.subjects, members(found.statistic))
    return visitor.render(
        "finding.html",
        filled=filled,
        finding=found,
        as_of=report.as_of,
        case=case,
        names=names,
        labels=CATEGORY_LABELS,
        region=region,
        numbers=figures(visitor, found.statistic, names),
        statistic=_pretty(found.statistic),
        may_file=case is None and visitor.may(HANDLERS | OPERATOR),
    )


@router.post("/reg/findings/{finding_id}/case")
async def file(visitor: VisitorDep, finding_id: str) -> Response:
    """Make a case of a finding."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="case.file",
        args={"finding_id": finding_id},
        role=as_authority(visitor),
        then=lambda case: f"/reg/cases/{case['case_id']}",
        again=lambda filled: _finding(visitor, finding_id, filled),
    )


def _pretty(document: Any) -> str:
    return orjson.dumps(dict(document), option=orjson.OPT_INDENT_2).decode()
