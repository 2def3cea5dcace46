"""The regulator's own re-checks of the log, and evidence packs: begun by a form, followed as jobs, kept."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import FileResponse, Response

from base.clock import parse_rfc3339
from base.db import ReadSession
from base.errors import Gone
from cases.rules import HANDLERS
from ledger import reader
from ledger.erasure import EVENT as ERASE
from ledger.log_keys import shards
from web.pages.explorer import trusted_by
from web.pages.forms import Filled, Form, Invalid, Problem, sent_back
from web.pages.jobs import STATUS, WORDS, job_of, wanted, working_of
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.proving import prove_present
from web.pages.supervisor import READERS, supervising_of
from web.pages.visiting import Visitor, VisitorDep
from web.rechecking import MOST_ENTRIES, Commands, audit_of, entries_of, pack_of
from web.watching import CHECK, PACK, RANGE
from web.working import Job, TooMuchAtOnce

router = APIRouter()


class PackGone(Gone):
    """An opening was erased after the pack was begun: perhaps it stands in there."""

    code = "pack-gone"
    title = "This pack was made before something was erased: make a new one"


_MAKERS: Final = HANDLERS | {"AUDITOR"}
_EDITIONS: Final = {"public": N_("public: no openings"), "regulator": N_("regulator: with the openings")}


@router.get("/reg/checks")
async def checks(visitor: VisitorDep) -> Response:
    """The re-checks that were made, and the form of another."""
    return await _checks(visitor, Filled())


async def _checks(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(READERS)
    jobs = working_of(visitor).jobs(CHECK, RANGE)
    async with visitor.node.database.read() as s:
        head = await reader.tree_head(s)
        closed = [one.origin for one in await shards(s)]
        names = await names_of(s, (job.org_id for job in jobs))
    return visitor.render(
        "checks.html",
        filled=filled,
        jobs=jobs,
        kinds=WORDS,
        statuses=STATUS,
        size=head.size,
        origin=head.origin,
        closed=[(name, name) for name in closed],
        names=names,
        most=MOST_ENTRIES,
        may_make=visitor.may(_MAKERS),
    )


@router.post("/reg/checks")
async def check(visitor: VisitorDep) -> Response:
    """Audit the log in a child process, or prove some of its entries one by one."""
    form = await visitor.form()
    visitor.require(_MAKERS)
    try:
        kind, stages, asked, work = await _asked(visitor, form)
        job = working_of(visitor).begin(wanted(visitor, kind, *stages, **asked), work)
    except (Invalid, TooMuchAtOnce) as error:
        return await _checks(visitor, sent_back("check", form, error))
    return visitor.redirect(f"/jobs/{job.job_id}")


async def _asked(visitor: Visitor, form: Form) -> tuple[str, tuple[str, ...], dict[str, Any], Any]:
    """What to check. Raises Invalid for a range that the log has not, or a log that is none of ours."""
    async with visitor.node.database.read() as s:
        size = (await reader.tree_head(s)).size
        closed = [one.origin for one in await shards(s)]
    if form.text("first") or form.text("last"):
        first, last = form.whole("first"), form.whole("last")
        if not isinstance(first, int) or not isinstance(last, int) or not 0 <= first <= last < size:
            raise Invalid(Problem("last", N_("Two numbers of entries that the log has, the smaller first.")))
        if last - first >= MOST_ENTRIES:
            raise Invalid(Problem("last", N_("So many entries are proved by the full re-check alone.")))
        work = entries_of(visitor.node, first, last, await _proving(visitor))
        return RANGE, ("entries",), {"first": first, "last": last}, work
    log = form.text("log") or None
    if log is not None and log not in closed:
        raise Invalid(Problem("log", N_("No closed log of this exchange has this name.")))
    runs = supervising_of(visitor)
    state = None
    if form.flag("since") and log is None:
        state = working_of(visitor).settings.data_dir / "checks" / "present.state"
    work = audit_of(Commands(visitor.node, runs), log=log, state=state)
    return CHECK, ("export", "audit"), {"log": log, "since": state is not None}, work


async def _proving(visitor: Visitor) -> Any:
    async with visitor.node.database.read() as s:
        trusted = await trusted_by(visitor, s)

    async def holds(s: ReadSession, entry: reader.Entry) -> list[str]:
        proof = await prove_present(s, entry, trusted)
        return [check.says for check in proof.checks if check.holds is False]

    return holds


@router.get("/reg/checks/{job_id}")
async def checked(visitor: VisitorDep, job_id: str) -> Response:
    """What a re-check found, to be printed; on to its progress while it is under way."""
    visitor.require(READERS)
    job = job_of(visitor, job_id, CHECK, RANGE)
    if job.running:
        return visitor.redirect(f"/jobs/{job_id}")
    async with visitor.node.database.read() as s:
        names = await names_of(s, [job.org_id])
    return visitor.render("check.html", job=job, kinds=WORDS, statuses=STATUS, names=names)


@router.get("/reg/exports")
async def exports(visitor: VisitorDep) -> Response:
    """The evidence packs that were made, and the form of another."""
    return await _exports(visitor, Filled())


async def _exports(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(READERS)
    jobs = working_of(visitor).jobs(PACK)
    async with visitor.node.database.read() as s:
        names = await names_of(s, (job.org_id for job in jobs))
        for job in jobs:
            await _outlived(visitor, s, job)
    return visitor.render(
        "exports.html",
        filled=filled,
        jobs=jobs,
        statuses=STATUS,
        names=names,
        editions=[(code, visitor.say(text)) for code, text in _EDITIONS.items()],
        words=_EDITIONS,
        may_make=visitor.may(_MAKERS),
    )


@router.post("/reg/exports")
async def export(visitor: VisitorDep) -> Response:
    """Make an evidence pack."""
    form = await visitor.form()
    visitor.require(_MAKERS)
    edition, evidence = form.text("edition"), form.flag("evidence")
    try:
        if edition not in _EDITIONS:
            raise Invalid(Problem("edition", N_("One of the editions.")))
        if evidence and edition != "regulator":
            raise Invalid(
                Problem("edition", N_("Evidence tables need the openings: take the regulator's edition."))
            )
        stages = ("bundle", *(("evidence",) if evidence else ()), "sign")
        work = pack_of(Commands(visitor.node, supervising_of(visitor)), edition=edition, evidence=evidence)
        asked = wanted(visitor, PACK, *stages, edition=edition, evidence=evidence)
        job = working_of(visitor).begin(asked, work)
    except (Invalid, TooMuchAtOnce) as error:
        return await _exports(visitor, sent_back("export", form, error))
    return visitor.redirect(f"/jobs/{job.job_id}")


@router.get("/reg/exports/{job_id}")
async def exported(visitor: VisitorDep, job_id: str) -> Response:
    """An evidence pack: its files with their digests, who signed for it, who has fetched it."""
    visitor.require(READERS)
    job = job_of(visitor, job_id, PACK)
    if job.running:
        return visitor.redirect(f"/jobs/{job_id}")
    fetched = working_of(visitor).fetched(job_id)
    async with visitor.node.database.read() as s:
        names = await names_of(s, [job.org_id], (one["org_id"] for one in fetched))
        gone = await _outlived(visitor, s, job)
    return visitor.render(
        "export.html",
        job=job,
        statuses=STATUS,
        fetched=fetched,
        names=names,
        words=_EDITIONS,
        gone=gone,
        may_fetch=visitor.may(_MAKERS) and not gone,
    )


async def _outlived(visitor: Visitor, s: ReadSession, job: Job) -> bool:
    """Whether an opening was erased since a pack with openings was begun; its files are deleted then."""
    if job.running or job.asked.get("edition") != "regulator":
        return False
    _, row = await reader.newest_of(s, events=[ERASE])
    newest = await reader.statements_of_events(s, events=[ERASE], after=row - 1) if row else ()
    gone = any(one.occurred_at >= parse_rfc3339(job.started_at) for one in newest)
    if gone:
        working_of(visitor).drop_files(job.job_id)
    return gone


@router.get("/reg/exports/{job_id}/{name}")
async def fetch(
    visitor: VisitorDep, job_id: str, name: Annotated[str, Path(pattern=r"^[a-z.]{1,40}$")]
) -> Response:
    """A file of an evidence pack; who fetches it is written down first."""
    session = visitor.require(_MAKERS)
    job = job_of(visitor, job_id, PACK)
    working = working_of(visitor)
    async with visitor.node.database.read() as s:
        if await _outlived(visitor, s, job):
            raise PackGone("something was erased since it was made", job_id=job_id)
    path = working.file(job.job_id, name)
    working.note_fetch(job_id, org_id=session.actor.org_id, user_id=visitor.user_id, name=name)
    kind = "application/json" if name.endswith(".json") else "application/zip"
    return FileResponse(path, media_type=kind, filename=f"{job_id}-{name}")
