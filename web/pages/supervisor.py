"""The regulator's overview and the findings; charts are in `analysing`, cases in `proceeding`."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from cases import repository
from cases.reading import may_read
from cases.rules import HANDLERS
from cases.states import FINAL
from ledger import reader
from market.listings.categories import CATEGORY_LABELS
from supervision.finding import Finding
from supervision.report import Report, summarise
from supervision.rule_table import in_force
from web import watching
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.regions import region
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.supervising import NoFindingsYet, Supervising, SupervisionRunning

router = APIRouter()
READERS: Final = watching.READERS
_SHOWN: Final = 200
_MOST_CASES: Final = 100
_ORDER: Final = {"high": 0, "medium": 1, "low": 2}
_REFRESH_S: Final = 2
_BANDS: Final = (
    ("HHI", "moderate_from"),
    ("HHI", "high_above"),
    ("CR4", "oligopolistic_from"),
    ("CR4", "very_high_from"),
)


def supervising_of(visitor: Visitor) -> Supervising:
    """The node's runs of supervision."""
    found: Supervising = visitor.request.app.state.supervising
    return found


async def _report(visitor: Visitor) -> Report | None:
    try:
        return await supervising_of(visitor).report()
    except NoFindingsYet:
        return None


@router.get("/reg")
async def dashboard(
    visitor: VisitorDep,
    rule: Annotated[str, Query(max_length=20)] = "",
    severity: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Concentration of every market with its thresholds, and the findings, the gravest first."""
    return await _dashboard(visitor, rule, severity, Filled())


async def _dashboard(visitor: Visitor, rule: str, severity: str, filled: Filled) -> Response:
    session = visitor.require(READERS)
    report = await _report(visitor)
    findings = _chosen(report, rule, severity)
    summary = None if report is None else summarise(report)
    async with visitor.node.database.read() as s:
        named = [subject for finding in findings for subject in finding.subjects]
        shares = [one for market in (summary.markets if summary else ()) for one in _largest(market)]
        names = await names_of(s, named, shares)
        opened = {
            finding.finding_id: await repository.case_of_finding(s, finding_id=finding.finding_id)
            for finding in findings
        }
        cases = [one for one in await repository.cases(s, limit=_MOST_CASES) if may_read(one, session.actor)]
        late = await repository.overdue(s, authorities=repository.seen_by(visitor.roles))
        newest, witnessing = await reader.checkpoint(s), await reader.witnessing(s)
    rules = in_force(visitor.node.clock.now())
    return visitor.render(
        "reg.html",
        filled=filled,
        report=report,
        summary=summary,
        findings=findings,
        cases=opened,
        names=names,
        labels=CATEGORY_LABELS,
        region=region,
        state=supervising_of(visitor).state(),
        bands={f"{r}.{name}": rules.whole(r, name) for r, name in _BANDS if r in rules},
        open_cases=sum(one.status not in FINAL for one in cases),
        most_cases=len(cases) == _MOST_CASES,
        late=sum(may_read(one, session.actor) for _, one in late),
        checkpoint=newest,
        witnessing=witnessing,
        rule=rule,
        severity=severity,
        may_run=visitor.may(HANDLERS | OPERATOR),
    )


def _largest(market: Any) -> list[str]:
    return [str(member) for one in market["largest"] for member in one["org_ids"]]


def _chosen(report: Report | None, rule: str, severity: str) -> Sequence[Finding]:
    found = [] if report is None else list(report.findings)
    found = [f for f in found if rule in {"", f.rule_id} and severity in {"", f.severity.value}]
    return sorted(found, key=lambda f: (_ORDER[f.severity.value], f.rule_id, f.finding_id))[:_SHOWN]


@router.post("/reg/run")
async def run(visitor: VisitorDep) -> Response:
    """Run supervision now."""
    await visitor.form()
    visitor.require(HANDLERS | OPERATOR)
    with suppress(SupervisionRunning):  # whoever asked first: the same run is what both want
        supervising_of(visitor).start()
    return visitor.redirect("/reg/run")


@router.get("/reg/run")
async def progress(visitor: VisitorDep) -> Response:
    """How far the run has come; the page loads itself again while it goes on."""
    visitor.require(READERS)
    state = supervising_of(visitor).state()
    refresh = _REFRESH_S if state is not None and state.running else None
    return visitor.render("reg_run.html", state=state, refresh_s=refresh)


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
        names = await names_of(s, found.subjects)
    return visitor.render(
        "finding.html",
        filled=filled,
        finding=found,
        as_of=report.as_of,
        case=case,
        names=names,
        labels=CATEGORY_LABELS,
        region=region,
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


def as_authority(visitor: Visitor) -> str | None:
    """The role in which the visitor acts on cases: an authority's before the operator's."""
    held = sorted(visitor.roles & HANDLERS) or sorted(visitor.roles & OPERATOR)
    return held[0] if held else None


def _pretty(document: Any) -> str:
    return orjson.dumps(dict(document), option=orjson.OPT_INDENT_2).decode()
