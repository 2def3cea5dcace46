"""The first page, and the way to it from `/`."""

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from base.errors import NotFound
from ledger.reader import tree_head
from market.listings import catalogue
from market.listings.categories import CATEGORY_LABELS
from market.orders.popular import bought_most
from web.charts.offered import offered
from web.compiling import Compiling
from web.pages.languages import COOKIE, preferred
from web.pages.naming import names_of
from web.pages.notices import laid_open
from web.pages.picturing import picture
from web.pages.visiting import VIEW_COOKIE, VIEWS, Visitor, VisitorDep, chosen_view

router = APIRouter()
root = APIRouter(include_in_schema=False)
_NEWEST = 6
_POPULAR = 3
_NOTICES = 3


@root.get("/")
async def entrance(request: Request) -> Response:
    """To the home page in the visitor's language: the cookie's, else the browser's."""
    lang = preferred(request.cookies.get(COOKIE), request.headers.get("accept-language"))
    response = RedirectResponse(f"/{lang}/", status_code=303)
    response.headers["vary"] = "Cookie, Accept-Language"
    return response


@router.get("/")
async def home(visitor: VisitorDep) -> Response:
    """What the exchange is, what is new on it and bought most, how large it is, what is on notice."""
    async with visitor.node.database.read() as s:
        page = await catalogue.search(s, catalogue.Query(), limit=_NEWEST)
        counts = (await catalogue.facets(s)).get("category", {})
        head = await tree_head(s)
        popular = await bought_most(s, limit=_POPULAR)
        notices = await laid_open(s, now=visitor.node.clock.now(), limit=_NOTICES)
        names = await names_of(
            s,
            (listing.seller_id for listing in page.listings),
            (listing.seller_id for listing, _ in popular),
        )
    offered_now = [
        (
            visitor.named(label),
            counts[key],
            visitor.url("/products", category=str(key)),
        )
        for key, label in sorted(
            CATEGORY_LABELS.items(), key=lambda item: (-counts.get(item[0], 0), str(item[0]))
        )
        if counts.get(key)
    ]
    chart = offered(
        offered_now,
        title=visitor.say("Products on offer by category"),
        says=visitor.say("Each bar leads to its products."),
        say=visitor.say,
    )
    return visitor.render(
        "home.html",
        chart=await picture(visitor, chart),
        published=_published(visitor),
        listings=[(listing, 0) for listing in page.listings],
        popular=popular,
        notices=notices,
        names=names,
        head=head,
        on_offer=sum(counts.values()),
        labels=CATEGORY_LABELS,
    )


def _published(visitor: Visitor) -> dict[str, Any] | None:
    """The newest month in the statistics' public edition, at a glance: what may be told to everybody."""
    runs: Compiling = visitor.request.app.state.compiling
    for month in runs.months():
        with suppress(NotFound):
            tables = runs.figures(month, "public")["tables"]
            rows: list[Any] = next((table["rows"] for table in tables if table["name"] == "overview"), [])
            return {"month": month, "rows": [(row[0][visitor.lang], row[1]) for row in rows]}
    return None


@router.post("/display")
async def display(visitor: VisitorDep) -> Response:
    """Large print, high contrast, keys of ours off, or none of these: kept in a cookie, on every page."""
    form = await visitor.form()
    known = chosen_view(visitor.request)
    choice = form.text("choose")
    if choice in VIEWS:
        known = [view for view in known if view != choice] if choice in known else [*known, choice]
    else:
        known = []
    response = visitor.redirect(inner(form.text("back")))
    response.set_cookie(VIEW_COOKIE, ".".join(known), max_age=31_536_000, samesite="lax")
    return response


def inner(path: str) -> str:
    """A path of ours below the language, whatever was asked for: never another site's."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or "\n" in path or "\r" in path:
        return "/"
    return path
