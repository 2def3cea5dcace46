"""Long work and the trail, as the pages show them: jobs, re-checks, evidence packs, questions, searches."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field, model_validator

from base.errors import Forbidden, NotFound
from cases.rules import HANDLERS
from ledger import trail
from ledger.checkpoint import MAX_SIZE
from ledger.log_keys import shards
from market.listings.saving import saved_searches
from web.acts import Asked, Id
from web.asking import Question
from web.deps import Caller, CallerDep, IdempotencyKeyMissing, ReadDep
from web.readings import Readings
from web.rechecking import Commands, audit_of, pack_of
from web.views import View
from web.watching import CHECK, PACK, RANGE, READERS, job_seen
from web.working import Job, Wanted, Work, Working

router = APIRouter(tags=["supervision"])
_MOST = 200
MAKERS: Final = HANDLERS | {"AUDITOR"}
_Part = Annotated[str, Field(max_length=_MOST)]


class JobView(View):
    """A piece of long work: `done` of `total` in its stage, 0 while nobody knows; then its `result`."""

    job_id: str
    kind: str
    org_id: str
    status: str
    stage: str
    stages: list[str]
    done: int
    total: int
    asked: dict[str, Any]
    result: dict[str, Any]
    error: str
    code: str
    started_at: str
    changed_at: str

    @classmethod
    def of_job(cls, job: Job) -> "JobView":
        return cls.model_validate({name: getattr(job, name) for name in cls.model_fields})


class PackView(JobView):
    """An evidence pack, and who has fetched which of its files, the newest first."""

    fetched: list[dict[str, Any]]


class RecheckForm(Asked):
    """A re-check of a whole log; entries one by one are proved on the page and by `databourse audit`."""

    log: Annotated[str | None, Field(max_length=_MOST)] = None
    since: bool = False


class PackForm(Asked):
    """Evidence tables need the openings: they come with the regulator's edition alone."""

    edition: Literal["public", "regulator"] = "public"
    evidence: bool = False

    @model_validator(mode="after")
    def has_openings(self) -> "PackForm":
        """Raises ValueError for evidence tables of the public edition."""
        if self.evidence and self.edition != "regulator":
            raise ValueError("evidence tables need the openings: take the regulator's edition")
        return self


class TrailForm(Asked):
    """A question to the trail, each part as its page takes it; empty parts ask nothing."""

    q: _Part = ""
    actor: _Part = ""
    role: _Part = ""
    action: _Part = ""
    object: _Part = ""
    sector: _Part = ""
    from_: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None
    before: Annotated[int | None, Field(ge=0, le=MAX_SIZE)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50

    def question(self) -> Question:
        """As the page would read it."""
        said = self.model_dump(exclude={"before", "limit"}, by_alias=True)
        return Question.read({name: "" if value is None else str(value) for name, value in said.items()})


class TrailRowView(View):
    """A sealed statement and where it stands; `log` names a closed log, null the present one."""

    log: str | None
    seq: int
    occurred_at: datetime
    event: str
    object_id: str
    org_id: str
    role: str | None
    statement_id: str
    envelope_sha256: str


class TrailView(View):
    """Rows newest first; `before` goes on where the page ends, null at the end."""

    count: int
    rows: list[TrailRowView]
    before: int | None


class SavedSearchView(View):
    name: str
    address: str
    saved_at: datetime


def _working(request: Request) -> Working:
    found: Working = request.app.state.working
    return found


def _who(caller: Caller) -> tuple[str, str]:
    return caller.actor.org_id, caller.claims.user_id


def _commands(request: Request, caller: Caller) -> Commands:
    return Commands(caller.node, request.app.state.supervising)


def _begun(request: Request, caller: Caller, wanted: Wanted, work: Work) -> JobView:
    """Begin it. Raises Malformed without an Idempotency-Key, TooMuchAtOnce.

    The same key begins nothing anew while its job is kept: it answers that job, as far as it is.
    """
    if caller.idempotency_key is None:
        raise IdempotencyKeyMissing("an Idempotency-Key header is asked for")
    working = _working(request)
    asked = {**wanted.asked, "key": caller.idempotency_key}
    for known in working.jobs(wanted.kind):
        if (known.org_id, known.user_id, known.asked) == (wanted.org_id, wanted.user_id, asked):
            return JobView.of_job(known)
    return JobView.of_job(working.begin(replace(wanted, asked=asked), work))


def _supervising(caller: Caller) -> Caller:
    """Raises Forbidden for who reads nothing of supervision."""
    if READERS.isdisjoint(caller.actor.roles):
        raise Forbidden("your role does not reach this", roles=sorted(READERS))
    return caller


@router.get("/jobs/{job_id}")
async def job(job_id: Id, request: Request, caller: CallerDep) -> JobView:
    """How far a job of one's organisation is, or for supervisors one of supervision."""
    actor = caller.actor
    return JobView.of_job(job_seen(_working(request), job_id, org_id=actor.org_id, roles=actor.roles))


@router.get("/rechecks")
async def rechecks(request: Request, caller: CallerDep) -> list[JobView]:
    """The re-checks of the log that were made, newest first."""
    _supervising(caller)
    return [JobView.of_job(one) for one in _working(request).jobs(CHECK, RANGE)]


@router.post("/rechecks", status_code=202)
async def begin_recheck(form: RecheckForm, request: Request, s: ReadDep, caller: CallerDep) -> JobView:
    """Audit the present log, or a closed one by its name, in the background; `since` reads on."""
    caller.require(*MAKERS)
    if form.log is not None and form.log not in {one.origin for one in await shards(s)}:
        raise NotFound("no closed log of this exchange has this name", log=form.log)
    state = None
    if form.since and form.log is None:
        state = caller.node.settings.data_dir / "checks" / "present.state"
    work = audit_of(_commands(request, caller), log=form.log, state=state)
    asked = {"log": form.log, "since": state is not None}
    return _begun(request, caller, Wanted(CHECK, *_who(caller), ("export", "audit"), asked), work)


@router.get("/evidence-packs")
async def packs(request: Request, caller: CallerDep) -> list[JobView]:
    """The evidence packs that were made, newest first."""
    _supervising(caller)
    return [JobView.of_job(one) for one in _working(request).jobs(PACK)]


@router.post("/evidence-packs", status_code=202)
async def begin_pack(form: PackForm, request: Request, caller: CallerDep) -> JobView:
    """Make an evidence pack in the background: an edition's bundle, with evidence tables if asked for."""
    caller.require(*MAKERS)
    work = pack_of(_commands(request, caller), edition=form.edition, evidence=form.evidence)
    stages = ("bundle", *(("evidence",) if form.evidence else ()), "sign")
    asked = {"edition": form.edition, "evidence": form.evidence}
    return _begun(request, caller, Wanted(PACK, *_who(caller), stages, asked), work)


@router.get("/evidence-packs/{job_id}")
async def pack(job_id: Id, request: Request, caller: CallerDep) -> PackView:
    """An evidence pack: its files with their digests, and who fetched them."""
    actor = _supervising(caller).actor
    working = _working(request)
    found = job_seen(working, job_id, org_id=actor.org_id, roles=actor.roles, kinds={PACK})
    return PackView(**JobView.of_job(found).model_dump(), fetched=working.fetched(job_id))


@router.get("/trail")
async def ask(form: Annotated[TrailForm, Query()], s: ReadDep, caller: CallerDep) -> TrailView:
    """The trail by who, in which role, did what, to what, when; who asks is noted, as on the page."""
    _supervising(caller)
    asked = form.question()
    if asked.parts:
        _readings(caller).note(
            user_id=caller.claims.user_id,
            org_id=caller.actor.org_id,
            what="audit",
            asked=asked.parts,
            at=caller.node.clock.now(),
        )
    wanted = await asked.wanted(s)
    page = await trail.search(s, wanted, before=form.before, limit=form.limit)
    count = await trail.count(s, wanted)
    return TrailView(count=count, rows=[_row(one) for one in page.found], before=page.before)


@router.get("/trail/saved")
async def saved(caller: CallerDep) -> dict[str, dict[str, str]]:
    """The questions that one keeps, by their names."""
    return _readings(_supervising(caller)).saved(caller.claims.user_id)


@router.get("/my/searches", tags=["catalogue"])
async def searches(s: ReadDep, caller: CallerDep) -> list[SavedSearchView]:
    """The searches of the catalogue that one keeps; `address` is the query of the catalogue's page."""
    rows = await saved_searches(s, user_id=caller.claims.user_id)
    return [SavedSearchView.model_validate(row, from_attributes=True) for row in rows]


def _readings(caller: Caller) -> Readings:
    return Readings(caller.node.settings.data_dir / "readings")


def _row(found: trail.Found) -> TrailRowView:
    said = found.statement
    facts: Mapping[str, Any] = said.predicate
    return TrailRowView(
        log=found.log,
        seq=found.seq,
        occurred_at=said.occurred_at,
        event=said.event,
        object_id=said.object_id,
        org_id=said.org_id,
        role=facts.get("role"),
        statement_id=said.statement_id,
        envelope_sha256=said.envelope_sha256,
    )
