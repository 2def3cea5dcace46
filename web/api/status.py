"""Whether the node lives, whether it is ready, and what a monitor counts (Prometheus text format)."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from base.errors import Unavailable
from base.jobs import backlog
from ledger.reader import tree_head, witnessing
from market.settlement.repository import open_work_items
from web.deps import NodeDep, ReadDep

router = APIRouter(tags=["status"])
alive = APIRouter(tags=["status"])


@alive.get("/health")
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(s: ReadDep) -> dict[str, str | int]:
    """The database answers, the log is there, and it may be sealed. Raises Unavailable."""
    head = await tree_head(s)
    if (why := (await witnessing(s)).halted) is not None:
        raise Unavailable("the log is halted", reason=why)
    return {"status": "ready", "origin": head.origin, "size": head.size}


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(s: ReadDep, node: NodeDep) -> str:
    """Size of the log, whether statements wait, how far its witnesses and the jobs are, work items."""
    head = await tree_head(s)
    seen = await witnessing(s)
    items = await open_work_items(s, limit=100)
    now = node.clock.now()
    jobs = await backlog(s, now=now)
    late_s = 0 if jobs.since is None else int((now - jobs.since).total_seconds())
    return (
        "# TYPE databourse_ledger_entries counter\n"
        f"databourse_ledger_entries {head.size}\n"
        "# TYPE databourse_ledger_pending gauge\n"
        f"databourse_ledger_pending {int(head.pending)}\n"
        "# TYPE databourse_ledger_halted gauge\n"
        f"databourse_ledger_halted {int(seen.halted is not None)}\n"
        "# TYPE databourse_ledger_unwitnessed_entries gauge\n"
        f"databourse_ledger_unwitnessed_entries {seen.lag}\n"
        "# TYPE databourse_work_items_open gauge\n"
        f"databourse_work_items_open {len(items)}\n"
        "# TYPE databourse_jobs_due gauge\n"
        f"databourse_jobs_due {jobs.due}\n"
        "# TYPE databourse_jobs_late_seconds gauge\n"
        f"databourse_jobs_late_seconds {late_s}\n"
        "# TYPE databourse_jobs_failing gauge\n"
        f"databourse_jobs_failing {jobs.failing}\n"
        "# TYPE databourse_jobs_given_up gauge\n"
        f"databourse_jobs_given_up {jobs.dead}\n"
    )
