"""The catalogue: a search, its facets with counts and removable pills, pages by keyset, searches kept."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.responses import Response

from market.listings import catalogue
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS, Category, Label, ProductType
from market.listings.conditions import PURPOSE_LABELS
from market.listings.errors import SearchesFull, SearchMalformed
from market.listings.saving import forget_search, save_search, saved_searches
from market.listings.tags import TAGS
from registry.repository import scores_of
from web.pages import catalogue_words, words
from web.pages.forms import Filled, sent_back
from web.pages.languages import N_, translations
from web.pages.naming import names_of
from web.pages.regions import REGIONS, region
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 20
_LONGEST: Final = 200
_LONGEST_QUERY: Final = 4_000
_ALSO: Final[Mapping[str, str]] = {"category": "sector", "geo": "region", "registered": "certified"}
"""What people call some of the parts in an address; the links of the page have the first name."""
_TAG_NAMES: Final[Mapping[str, str]] = {
    "delivery": N_("Delivery"),
    "purpose": N_("Purpose allowed"),
    "grade": N_("Measured quality"),
    "frequency": N_("Updated"),
    "registered": N_("Registered right"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a catalogue's address asks for; what it does not understand is left out."""

    q: str = ""
    category: str = ""
    geo: str = ""
    type: str = ""
    price: str = ""
    delivery: str = ""
    purpose: str = ""
    grade: str = ""
    frequency: str = ""
    registered: str = ""
    seller: str = ""
    sort: str = ""
    after: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """What an address, or a form made of one, asks for."""
        asked = {
            one.name: query.get(one.name, query.get(_ALSO.get(one.name, ""), "")).strip()[:_LONGEST]
            for one in fields(cls)
        }
        known: Mapping[str, Any] = {
            "category": Category.__members__.values(),
            "type": ProductType.__members__,
            "price": catalogue.BANDS,
            "sort": [sort.value for sort in catalogue.Sort],
            **TAGS,
        }
        return cls(**{name: "" if name in known and v not in known[name] else v for name, v in asked.items()})

    def query(self) -> catalogue.Query:
        """As the catalogue takes it."""
        low, high = catalogue.BANDS.get(self.price, (None, None))
        return catalogue.Query(
            text=self.q,
            category=Category(self.category) if self.category else None,
            geo=self.geo or None,
            product_type=ProductType(self.type) if self.type else None,
            seller_id=self.seller or None,
            **{name: getattr(self, name) or None for name in TAGS},
            min_price_minor=low,
            max_price_minor=None if high is None else high - 1,
            sort=catalogue.Sort(self.sort or catalogue.Sort.NEWEST),
        )

    def address(self, visitor: Visitor, **changes: str) -> str:
        """The page of this search with changes; a change begins at its first page."""
        changed = replace(self, **({"after": ""} | changes))
        return visitor.url("/products", **{m.name: getattr(changed, m.name) for m in fields(changed)})

    def kept(self) -> str:
        """The query of the search's address, as it is kept; empty where nothing is asked."""
        asked = {m.name: getattr(self, m.name) for m in fields(self) if m.name != "after"}
        return urlencode({name: value for name, value in asked.items() if value})

    def as_json(self, **more: str | int) -> str:
        """The same search for machines."""
        low, high = catalogue.BANDS.get(self.price, (None, None))
        asked = {
            "q": self.q,
            "category": self.category,
            "geo": self.geo,
            "product_type": self.type,
            "seller_id": self.seller,
            **{name: getattr(self, name) for name in TAGS},
            "min_price_minor": low,
            "max_price_minor": None if high is None else high - 1,
            "sort": self.sort,
            "after": self.after,
            **more,
        }
        return f"/api/v1/listings?{urlencode({name: v for name, v in asked.items() if v not in {None, ''}})}"


@router.get("/products")
async def search(visitor: VisitorDep) -> Response:
    """What is on offer."""
    return await _search(visitor, Asked.read(visitor.request.query_params), Filled())


async def _search(visitor: Visitor, asked: Asked, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        page = await catalogue.search(s, asked.query(), after=asked.after or None, limit=_PAGE)
        counts = await catalogue.narrowed(s, asked.query())
        names = await names_of(s, [asked.seller or None], (listing.seller_id for listing in page.listings))
        scores = await scores_of(s, listing_ids={listing.listing_id for listing in page.listings})
        saved = await saved_searches(s, user_id=visitor.user_id) if visitor.session else []
    return visitor.render(
        "products.html",
        filled=filled,
        asked=asked,
        total=_total(asked, counts),
        most=catalogue.COUNTED,
        saved=[(one.name, visitor.url("/products") + f"?{one.address}") for one in saved],
        kept=asked.kept(),
        listings=page.listings,
        scores=scores,
        names=names,
        labels=CATEGORY_LABELS,
        types=PRODUCT_TYPE_LABELS,
        region=region,
        groups=_groups(visitor, asked, counts),
        pills=_pills(visitor, asked, names),
        sorts=list(catalogue_words.SORTS),
        next_address=asked.address(visitor, after=page.next_after) if page.next_after else None,
        as_json=asked.as_json(),
        as_csv=asked.as_json(format="csv", limit=100),
    )


@router.post("/products/saved")
async def save(visitor: VisitorDep) -> Response:
    """Keep a search under a name, or keep it no longer."""
    form = await visitor.form()
    visitor.require()
    asked = Asked.read(dict(parse_qsl(form.text("search")[:_LONGEST_QUERY])))
    about = {"user_id": visitor.user_id, "name": form.text("name")}
    try:
        async with visitor.node.database.write() as s:
            if form.flag("forget"):
                await forget_search(s, **about)
            else:
                await save_search(s, **about, address=asked.kept(), at=visitor.node.clock.now())
    except (SearchesFull, SearchMalformed) as error:
        return await _search(visitor, asked, sent_back("save", form, error))
    return visitor.redirect("/products", **dict(parse_qsl(asked.kept())))


def _total(asked: Asked, counts: Mapping[str, Mapping[str, int]]) -> int:
    """How many listings the search finds, of the first ten thousand: each has one category."""
    found = counts.get("category", {})
    return found.get(asked.category, 0) if asked.category else sum(found.values())


def _groups(visitor: Visitor, asked: Asked, counts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """The facets: each value that narrows, with its count, its address, and whether it is chosen."""
    total = _total(asked, counts)
    say = translations(visitor.lang).gettext
    bands = {name: say(text) for name, text in catalogue_words.BANDS.items()}
    facets: list[tuple[str, str, str, Mapping[Any, Label | str]]] = [
        ("category", "category", say("Category"), CATEGORY_LABELS),
        ("price", "price", say("List price"), bands),
        ("type", "product_type", say("Type"), PRODUCT_TYPE_LABELS),
        ("geo", "geo", say("Region"), REGIONS),
        *((name, name, say(title), _tag_labels(visitor, name)) for name, title in _TAG_NAMES.items()),
    ]
    groups = []
    for name, facet, title, labels in facets:
        found = dict(counts.get(facet, {}))
        order = {key: place for place, key in enumerate(labels)}
        chosen = getattr(asked, name)
        if chosen:
            found.setdefault(chosen, 0)  # a choice that finds nothing can be taken back where it was made
        values = [
            {
                "text": _text(visitor, labels.get(key, key)),
                "count": found[key],
                "chosen": key == chosen,
                "address": asked.address(visitor, **{name: "" if key == chosen else key}),
            }
            for key in sorted(found, key=lambda key: (order.get(key, len(order)), key))
        ]
        if total and not chosen:
            values = [value for value in values if value["count"] != total]
        if values:
            groups.append({"title": title, "members": values})
    return groups


def _tag_labels(visitor: Visitor, name: str) -> Mapping[Any, Label | str]:
    """The values of a tag in words, in their order."""
    if name == "purpose":
        return PURPOSE_LABELS
    return {value: visitor.say(words.word(name, value)) for value in TAGS[name]}


def _text(visitor: Visitor, label: Label | str) -> str:
    return label if isinstance(label, str) else visitor.named(label)


def _pills(visitor: Visitor, asked: Asked, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What narrows the search now, each with the address without it."""
    shown: list[tuple[str, str]] = []
    if asked.q:
        shown.append((f"“{asked.q}”", "q"))
    if asked.category:
        shown.append((visitor.named(CATEGORY_LABELS[Category(asked.category)]), "category"))
    if asked.price:
        shown.append((visitor.say(catalogue_words.BANDS[asked.price]), "price"))
    if asked.type:
        shown.append((visitor.named(PRODUCT_TYPE_LABELS[ProductType(asked.type)]), "type"))
    if asked.geo:
        shown.append((visitor.named(region(asked.geo)), "geo"))
    shown += [
        (_text(visitor, _tag_labels(visitor, name)[value]), name)
        for name in _TAG_NAMES
        if (value := getattr(asked, name))
    ]
    if asked.seller:
        shown.append((names[asked.seller], "seller"))
    return [(text, asked.address(visitor, **{name: ""})) for text, name in shown]
