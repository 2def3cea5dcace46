"""How the ledger grew, and how far its witnesses were behind: charts of what was published."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.clock import SHANGHAI
from ledger import reader
from web.charts.ledger import Published, growth, lag
from web.pages.picturing import picture
from web.pages.visiting import VisitorDep

router = APIRouter()
_MOST: Final = 50


@router.get("/ledger/growth")
async def grown(visitor: VisitorDep) -> Response:
    """The newest checkpoints by size, and what of each no witnessed one held."""
    async with visitor.node.database.read() as s:
        rows = list(reversed(await reader.checkpoints(s, limit=_MOST)))
        witnessing = await reader.witnessing(s)
    found: list[Published] = []
    covered = 0
    for row in rows:
        covered = row.size if row.witnessed else covered
        at = f"{row.published_at.astimezone(SHANGHAI):%m-%d %H:%M}"
        found.append(Published(at, row.size, None if row.witnessed is None else covered))
    say = visitor.say
    of_lag = lag(
        found,
        title=say("Entries without witnesses"),
        says=say("Of each checkpoint, how many entries no witnessed checkpoint held until then."),
        say=say,
    )
    of_growth = growth(
        found,
        title=say("Growth of the ledger"),
        says=say("Entries under each published checkpoint."),
        say=say,
    )
    return visitor.render(
        "growth.html",
        growth=await picture(visitor, of_growth),
        lag=await picture(visitor, of_lag),
        witnessing=witnessing,
    )
