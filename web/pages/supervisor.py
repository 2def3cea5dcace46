"""The regulator's overview, and runs; findings in `noticed`, charts in `analysing`, cases in `proceeding`."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

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
from web.pages.naming import names_of
from web.pages.regions import region
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.supervising import NoFindingsYet, Supervising, SupervisionRunning

router = APIRouter()
READERS: Final = watching.READERS
_SHOWN: Final = 20
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


async def report_of(visitor: Visitor) -> Report | None:
    """What the newest run of supervision found; None before the first."""
    try:
        return await supervising_of(visitor).report()
    except NoFindingsYet:
        return None


@router.get("/reg")
async def dashboard(visitor: VisitorDep) -> Response:
    """Concentration of every market with its thresholds, and the gravest findings."""
    session = visitor.require(READERS)
    report = await report_of(visitor)
    findings = gravest_first(() if report is None else report.findings)[:_SHOWN]
    summary = None if report is None else summarise(report)
    async with visitor.node.database.read() as s:
        named = [subject for finding in findings for subject in finding.subjects]
        shares = [one for market in (summary.markets if summary else ()) for one in _largest(market)]
        names = await names_of(s, named, shares)
        opened = await repository.cases_of_findings(s)
        cases = [one for one in await repository.cases(s, limit=_MOST_CASES) if may_read(one, session.actor)]
        late = await repository.overdue(s, authorities=repository.seen_by(visitor.roles))
        newest, witnessing = await reader.checkpoint(s), await reader.witnessing(s)
    rules = in_force(visitor.node.clock.now())
    return visitor.render(
        "reg.html",
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
        may_run=visitor.may(HANDLERS | OPERATOR),
    )


def _largest(market: Any) -> list[str]:
    return [str(member) for one in market["largest"] for member in one["org_ids"]]


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings as they are read: by severity, then by rule."""
    return sorted(findings, key=lambda one: (_ORDER[one.severity.value], one.rule_id, one.finding_id))


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


def as_authority(visitor: Visitor) -> str | None:
    """The role in which the visitor acts on cases: an authority's before the operator's."""
    held = sorted(visitor.roles & HANDLERS) or sorted(visitor.roles & OPERATOR)
    return held[0] if held else None
