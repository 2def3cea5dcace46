"""Whether the node lives, whether it is ready, and what a monitor counts (Prometheus text format)."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from ledger.reader import tree_head
from market.settlement.repository import open_work_items
from web.deps import NodeDep, ReadDep

router = APIRouter(tags=["status"])


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(node: NodeDep, s: ReadDep) -> dict[str, str | int]:
    """The database answers and the log is there."""
    head = await tree_head(s)
    return {"status": "ready", "origin": node.settings.origin, "size": head.size}


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(s: ReadDep) -> str:
    """Size of the log, whether statements wait, work items of the operator."""
    head = await tree_head(s)
    items = await open_work_items(s, limit=100)
    return (
        "# TYPE databourse_ledger_entries counter\n"
        f"databourse_ledger_entries {head.size}\n"
        "# TYPE databourse_ledger_pending gauge\n"
        f"databourse_ledger_pending {int(head.pending)}\n"
        "# TYPE databourse_work_items_open gauge\n"
        f"databourse_work_items_open {len(items)}\n"
    )
