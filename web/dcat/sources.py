"""What the catalogue is made of: standing entries of the open list, then products on offer, page by page."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from base.db import ReadSession
from identity.repository import Organisation, get_organisation
from market.listings import repository as listings
from market.listings.categories import PRODUCT_TYPE_LABELS
from market.listings.conditions import Purpose
from market.listings.errors import ListingUnknown
from market.listings.rules import ListingState
from market.listings.tables import Listing
from registry.lists.repository import list_file
from registry.opening import repository as opening
from registry.opening.errors import OpeningUnknown
from registry.opening.repository import Entry
from registry.opening.rules import Licence as OpenLicence
from registry.opening.rules import Mode
from registry.opening.states import STANDING, AgreementState
from registry.repository import latest_report
from web.dcat.describing import DataSet, File, Licence, Offer, Place, Publisher
from web.dcat.vocabulary import category_of

PAGE: Final = 50
_CITY: Final = "0000"
_AGENCY: Final = "PUBLIC_AGENCY"
_CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
_CC_BY: Final = "https://creativecommons.org/licenses/by/4.0/"


async def page_after(s: ReadSession, after: str | None, base: str) -> tuple[list[DataSet], str | None]:
    """A page of data sets from behind `after` (the id of an entry or a listing), and where it goes on."""
    sets: list[DataSet] = []
    known: dict[str, Publisher] = {}
    if after is None or after.startswith("opn_"):
        entries = await opening.entries(s, states=STANDING, after=after, limit=PAGE + 1, oldest_first=True)
        sets += [await _opened(s, one, base, known) for one in entries[:PAGE]]
        if len(entries) > PAGE:
            return sets, entries[PAGE - 1][0].open_id
        after = None
    room = PAGE - len(sets)
    if room == 0:  # the products begin on a page of their own
        return sets, sets[-1].identifier if await _any_offered(s) else None
    offered = await listings.listings_of(s, status=ListingState.LISTED, after=after, limit=room)
    sets += [await _offered(s, one, base, known) for one in offered]
    more = len(offered) == room and await _any_offered(s, after=offered[-1].listing_id)
    return sets, offered[-1].listing_id if more else None


async def modified(s: ReadSession) -> datetime | None:
    """When the catalogue changed last: the same on each of its pages, which together describe one thing."""
    moments = (await opening.newest_change(s), await listings.newest_listed(s))
    return max((one for one in moments if one is not None), default=None)


async def opened(s: ReadSession, *, open_id: str, base: str) -> DataSet:
    """One standing entry of the open list. Raises OpeningUnknown."""
    entry = await opening.entry_with_data(s, open_id=open_id)
    if entry[0].status not in STANDING:
        raise OpeningUnknown("no such entry is open", open_id=open_id)
    return await _opened(s, entry, base, {})


async def offered(s: ReadSession, *, listing_id: str, base: str) -> DataSet:
    """One product on offer. Raises ListingUnknown."""
    listing = await listings.get_listing(s, listing_id=listing_id)
    if listing.status is not ListingState.LISTED:
        raise ListingUnknown("no such product is on offer", listing_id=listing_id)
    return await _offered(s, listing, base, {})


async def publisher(s: ReadSession, org_id: str, known: dict[str, Publisher] | None = None) -> Publisher:
    """An organisation as the catalogue names it; `known` are those of the page so far."""
    if known is not None and org_id in known:
        return known[org_id]
    found = _publisher(org_id, await get_organisation(s, org_id=org_id))
    if known is not None:
        known[org_id] = found
    return found


async def _any_offered(s: ReadSession, *, after: str | None = None) -> bool:
    return bool(await listings.listings_of(s, status=ListingState.LISTED, after=after, limit=1))


async def _opened(s: ReadSession, entry: Entry, base: str, known: dict[str, Publisher]) -> DataSet:
    row, data = entry
    path = f"/open/{row.open_id}"
    file = None
    if data.resource_file_id is not None:
        stored = await list_file(s, file_id=data.resource_file_id)
        if stored is not None:
            had = f"{path}/download" if row.mode is Mode.OPEN else f"/api/v1/open-entries/{row.open_id}/file"
            file = File(media_type=stored.media_type, bytes=stored.bytes, sha256=stored.sha256, path=had)
    covers = (row.covers_from, row.covers_to)
    return DataSet(
        path=path,
        identifier=row.open_id,
        title=data.name,
        description=data.abstract,
        publisher=await publisher(s, row.agency_id, known),
        update=data.update,
        access="PUBLIC" if row.mode is Mode.OPEN else "RESTRICTED",
        issued=row.first_opened_at or row.changed_at,
        modified=max(row.changed_at, data.mounted_at or data.changed_at),
        place=_place(data.region),
        licence=_licence(row.licence, f"{base}{path}"),
        category=category_of(data.theme),
        theme=data.theme,
        keywords=(data.name,),
        covers=(covers[0], covers[1]) if covers[0] and covers[1] else None,
        file=file,
        endpoint=_endpoint(data.resource_interface) if row.mode is Mode.OPEN else None,
        offer=await _terms(s, row.open_id, row.agency_id, row.mode),
        conditions=row.conditions,
        law=row.law,
        version=str(data.version),
    )


async def _terms(s: ReadSession, open_id: str, agency_id: str, mode: Mode) -> Offer | None:
    """For which purposes conditional data is had at all; who has it is not told."""
    if mode is Mode.OPEN:
        return None
    named: Iterable[list[str]]
    if mode is Mode.TARGETED:
        named = [user.purposes for user in await opening.users_of(s, open_id=open_id) if not user.ended_at]
    else:
        agreed = await opening.agreements_of(s, open_id=open_id)
        named = [one.purposes for one in agreed if one.status is AgreementState.SIGNED]
    purposes = tuple(Purpose(one) for one in sorted({one for uses in named for one in uses}))
    return Offer(assigner=agency_id, purposes=purposes, asks=("odrl:obtainConsent",))


async def _offered(s: ReadSession, listing: Listing, base: str, known: dict[str, Publisher]) -> DataSet:
    path = f"/products/{listing.listing_id}"
    stored = await listings.get_file(s, file_id=listing.file_id)
    report = await latest_report(s, listing_id=listing.listing_id)
    conditions = await listings.conditions_of(s, listing_id=listing.listing_id)
    at = listing.listed_at or listing.drafted_at
    category = listing.category.value
    kind = PRODUCT_TYPE_LABELS[listing.product_type].zh
    return DataSet(
        path=path,
        identifier=listing.listing_id,
        title=listing.title,
        description=listing.description,
        publisher=await publisher(s, listing.seller_id, known),
        update=None,
        access="RESTRICTED",
        issued=at,
        modified=at if report is None else max(at, report.measured_at),
        place=_place(listing.geo),
        licence=Licence(
            iri=f"{base}{path}#licence",
            zh=listing.licence_of_data,
            en=listing.licence_class,
            type="RoyaltiesRequired" if listing.list_price_minor else "OtherRestrictiveClauses",
        ),
        category=category_of(category),
        keywords=(kind, listing.scenario),
        # Of a file that nobody has measured in public, nothing is told.
        file=None
        if report is None
        else File(media_type=stored.media_type, bytes=stored.bytes, sha256=stored.sha256),
        offer=Offer(
            assigner=listing.seller_id,
            purposes=tuple(sorted(conditions.purposes)),
            places=conditions.territory,
            asks=("odrl:compensate",),
        ),
        score_tenths=None if report is None else report.score_tenths,
    )


def _publisher(org_id: str, found: Organisation | None) -> Publisher:
    if found is None:
        return Publisher(org_id=org_id, name=org_id)
    public = _AGENCY in {role.value for role in found.roles}
    kind = "RegionalAuthority" if found.region.endswith(_CITY) else "LocalAuthority"
    return Publisher(org_id=org_id, name=found.name, type=kind if public else "Company")


def _licence(named: OpenLicence, about: str) -> Licence:
    if named is OpenLicence.CC0:
        zh, en = "CC0 1.0 公共领域贡献", "CC0 1.0 Public Domain Dedication"
        return Licence(iri=_CC0, zh=zh, en=en, type="PublicDomain")
    if named is OpenLicence.CC_BY:
        return Licence(
            iri=_CC_BY, zh="知识共享 署名 4.0", en="Creative Commons Attribution 4.0", type="Attribution"
        )
    zh, en = "按开放条件与约定使用", "Used on the conditions of its opening"
    return Licence(iri=f"{about}#licence", zh=zh, en=en, type="OtherRestrictiveClauses")


def _endpoint(interface: str | None) -> str | None:
    """An interface that has an address on the web."""
    return interface if interface and interface.startswith(("https://", "http://")) else None


def _place(code: str) -> Place:
    """A region by its code, with its names where the exchange knows them."""
    return Place(code=code)
