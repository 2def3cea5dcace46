"""A job's page: how far it is, of how many, what came of it; it is loaded again while the job goes on."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from web.pages.languages import N_
from web.pages.visiting import Visitor, VisitorDep
from web.watching import CHECK, MEASURE, PACK, RANGE, job_seen
from web.working import Job, JobUnknown, Wanted, Working

router = APIRouter()
WORDS: Final = {
    CHECK: N_("Full re-check of the log"),
    RANGE: N_("Re-check of entries"),
    PACK: N_("Evidence pack"),
    MEASURE: N_("Measurement of a file"),
}
STAGES: Final = {
    "queue": N_("wait for a free place"),
    "measure": N_("measure the file and state the report"),
    "export": N_("export the log with its openings"),
    "audit": N_("audit every entry"),
    "entries": N_("recompute each entry's proof"),
    "bundle": N_("write the signed bundle"),
    "evidence": N_("derive the evidence tables"),
    "sign": N_("hash and sign"),
}
STATUS: Final = {
    "running": N_("under way"),
    "done": N_("done"),
    "failed": N_("failed"),
    "cancelled": N_("called off"),
}
_RUNS: Final = {"supervision": "/reg/run", "statistics": "/reg/statistics"}


def working_of(visitor: Visitor) -> Working:
    """The node's long work."""
    found: Working = visitor.request.app.state.working
    return found


def wanted(visitor: Visitor, kind: str, *stages: str, **asked: Any) -> Wanted:
    """A piece of work for this visitor."""
    session = visitor.require()
    return Wanted(kind, session.actor.org_id, visitor.user_id, stages, asked)


def job_of(visitor: Visitor, job_id: str, *kinds: str) -> Job:
    """A job that the visitor may see: its organisation's own, or a supervisor's. Raises JobUnknown."""
    session = visitor.require()
    org_id = session.actor.org_id
    return job_seen(working_of(visitor), job_id, org_id=org_id, roles=visitor.roles, kinds=kinds)


def place_of(job: Job) -> str:
    """Where what came of a job is read."""
    if job.kind == MEASURE:
        return f"/sell/{job.asked['listing_id']}"
    return f"/reg/{'exports' if job.kind == PACK else 'checks'}/{job.job_id}"


@router.get("/jobs/{job_id}")
async def show(visitor: VisitorDep, job_id: str) -> Response:
    """How far a job is; runs of supervision and statistics have pages of their own."""
    if job_id in _RUNS:
        return visitor.redirect(_RUNS[job_id])
    job = job_of(visitor, job_id)
    return visitor.render(
        "job.html", job=job, kinds=WORDS, stages=STAGES, statuses=STATUS, place=place_of(job)
    )


@router.post("/jobs/{job_id}/cancel")
async def cancel(visitor: VisitorDep, job_id: str) -> Response:
    """Call a job off, as whoever asked for it."""
    await visitor.form()
    job = job_of(visitor, job_id)
    if job.org_id != visitor.org_id:
        raise JobUnknown("no such job of yours", job_id=job_id)
    await working_of(visitor).cancel(job_id)
    return visitor.redirect(f"/jobs/{job_id}")
