"""What a node's long work is, and who may see which piece of it: the same for pages and the API."""

from collections.abc import Collection
from typing import Final

from cases.rules import HANDLERS
from web.working import Job, JobUnknown, Working

CHECK, PACK, MEASURE, RANGE = "check", "pack", "measure", "range"
SUPERVISORY: Final = frozenset({CHECK, PACK, RANGE})
READERS: Final = HANDLERS | {"AUDITOR", "EXCHANGE_OPERATOR"}
"""Who reads what supervision did and found."""


def job_seen(
    working: Working,
    job_id: str,
    *,
    org_id: str | None,
    roles: Collection[str],
    kinds: Collection[str] = (),
) -> Job:
    """A job that somebody may see: its organisation's own, or a supervisor's. Raises JobUnknown."""
    job = working.job(job_id)
    seen = job.kind in SUPERVISORY and not READERS.isdisjoint(roles)
    if (not seen and job.org_id != org_id) or (kinds and job.kind not in kinds):
        raise JobUnknown("no such job", job_id=job_id)
    return job
