"""A data set of the catalogue as DCAT-AP 3 describes it: what is opened, and what is offered. Pure.

The names of things are addresses of this exchange. What several data sets share (publishers, licences,
concepts) is described once a document: `Described.shared`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from base.clock import rfc3339
from market.listings.categories import CATEGORY_LABELS, Category
from market.listings.conditions import Purpose
from registry.registration.rules import Update
from web.dcat import vocabulary as known
from web.dcat.terms import Iri, Text, Thing, Value, both, resource, said

PROFILE: Final = "http://data.europa.eu/r5r/"
_PURPOSE: Final = "urn:databourse:odrl:1:purpose:"
_SCORE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who publishes: the organisation's id and name, and what it is (`NationalAuthority`, `Company` …)."""

    org_id: str
    name: str
    type: str = "Company"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A region of GB/T 2260 with its names, where they are known."""

    code: str
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence by its address, its names and the ADMS type of what it asks (`Attribution` …)."""

    iri: str
    zh: str
    en: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The file of a distribution: media type, length in bytes, hex SHA-256; `path` to take it at, if any."""

    media_type: str
    bytes: int
    sha256: str
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """On what terms others may take it (ODRL 2.2): the offer's path, purposes, places, who is named."""

    assigner: str
    purposes: tuple[Purpose, ...] = ()
    places: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """What the catalogue says of one data set. `path` is its address below the public one."""

    path: str
    identifier: str
    title: str
    description: str
    publisher: Publisher
    update: Update | None
    access: str
    issued: datetime
    modified: datetime
    place: Place
    licence: Licence
    category: Category | None = None
    theme: str = ""
    keywords: tuple[str, ...] = ()
    covers: tuple[date, date] | None = None
    file: File | None = None
    endpoint: str | None = None
    offer: Offer | None = None
    conditions: str = ""
    law: str = ""
    score_tenths: int | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A data set's own things, and what it shares with others by name."""

    things: Sequence[Thing]
    shared: Sequence[Thing] = field(default=())


def describe(one: DataSet, base: str) -> Described:
    """A data set and its distribution, as things; `base` is the public address of the exchange."""
    about = f"{base}{one.path}"
    publisher, contact = agent(one.publisher, base), contact_of(one.publisher, base)
    page = _page(one.path, base)
    shared = [
        publisher,
        publisher_type(one.publisher.type),
        contact,
        page,
        known.access_right(one.access),
        known.eu_theme(one.category),
        known.country(),
        *known.languages()[:1],
        _licence(one.licence),
        *_licence_type(one.licence),
        *([known.frequency(one.update)] if one.update else []),
    ]
    themes: list[Value] = [Iri(known.eu_theme(one.category).iri or "")]
    if one.category is not None:
        own = own_theme(one.category, base)
        shared.append(own)
        themes.append(Iri(own.iri or ""))
    place = _place(one.place, base)
    shared += [place] if place is not None else []
    shared += [_law(one.law, about)] if one.law else []
    dataset = Thing(
        about,
        ("dcat:Dataset", "rdfs:Resource"),
        said(
            ("dct:identifier", Text(one.identifier)),
            ("dct:title", Text(one.title, "zh")),
            ("dct:description", Text(one.description, "zh")),
            ("dct:publisher", Iri(publisher.iri or "")),
            ("dcat:contactPoint", Iri(contact.iri or "")),
            ("dcat:theme", themes),
            ("dcat:keyword", [Text(word, "zh") for word in _keywords(one)]),
            ("dct:accrualPeriodicity", _ref(known.frequency(one.update)) if one.update else None),
            ("dct:accessRights", _ref(known.access_right(one.access))),
            ("dct:language", _ref(known.languages()[0])),
            ("dct:spatial", [_ref(known.country()), *([_ref(place)] if place else [])]),
            ("dct:temporal", _period(one.covers)),
            ("dct:issued", _moment(one.issued)),
            ("dct:modified", _moment(one.modified)),
            ("dcat:version", Text(one.version) if one.version else None),
            ("dcat:landingPage", _ref(page)),
            ("dcatap:applicableLegislation", Iri(f"{about}#law") if one.law else None),
            ("dqv:hasQualityMeasurement", _quality(one.score_tenths, base)),
            ("odrl:hasPolicy", Iri(f"{about}#offer") if one.offer else None),
            ("dcat:distribution", Iri(f"{about}#distribution")),
        ),
    )
    things = [dataset, _distribution(one, about, base)]
    if one.offer is not None:
        things.append(_offer(one.offer, about, base))
    if one.endpoint is not None:
        things += [_interface(one, one.endpoint, about), resource(one.endpoint)]
    if one.file is not None:
        shared += [
            known.media_type(one.file.media_type),
            known.file_type(one.file.media_type),
            known.sha256(),
        ]
        shared.append(known.availability())
        shared += [resource(f"{base}{one.file.path}")] if one.file.path else []
    if one.score_tenths is not None:
        shared.append(_metric(base))
    return Described(things, shared)


def agent(one: Publisher, base: str) -> Thing:
    """Who publishes."""
    kind = Iri(known.PUBLISHER_TYPE + one.type)
    says = said(("foaf:name", Text(one.name, "zh")), ("dct:type", kind), ("dct:identifier", Text(one.org_id)))
    return Thing(f"{base}/catalog#{one.org_id}", ("foaf:Agent", "foaf:Organization"), says)


def contact_of(one: Publisher, base: str) -> Thing:
    """Where its pages are; no person is named."""
    says = said(
        ("vcard:fn", Text(one.name, "zh")), ("vcard:hasURL", Iri(f"{base}/zh/open?agency={one.org_id}"))
    )
    return Thing(f"{base}/catalog#contact-{one.org_id}", ("vcard:Organization", "vcard:Kind"), says)


def publisher_type(name: str) -> Thing:
    """A type of publishers as ADMS has it."""
    pairs = said(
        ("skos:inScheme", Iri(f"{known.PUBLISHER_TYPE}1.0")),
        ("skos:prefLabel", Text(name, "en")),
    )
    return Thing(known.PUBLISHER_TYPE + name, ("skos:Concept",), pairs)


def own_scheme(base: str) -> Thing:
    """The exchange's own categories."""
    return Thing(
        f"{base}/catalog#themes",
        ("skos:ConceptScheme",),
        said(("dct:title", both("数据类别", "Categories of data"))),
    )


def own_theme(category: Category, base: str) -> Thing:
    """One category of the exchange."""
    label = CATEGORY_LABELS[category]
    pairs = said(
        ("skos:inScheme", Iri(f"{base}/catalog#themes")), ("skos:prefLabel", both(label.zh, label.en))
    )
    return Thing(f"{base}/catalog#theme-{category.value}", ("skos:Concept",), pairs)


def _distribution(one: DataSet, about: str, base: str) -> Thing:
    file = one.file
    checksum = None
    if file is not None:
        value = Text(file.sha256, datatype="xsd:hexBinary")
        says = said(("spdx:algorithm", Iri(known.SHA256)), ("spdx:checksumValue", value))
        checksum = Thing(None, ("spdx:Checksum",), says)
    return Thing(
        f"{about}#distribution",
        ("dcat:Distribution",),
        said(
            ("dct:title", Text(one.title, "zh")),
            (
                "dct:description",
                both("整份文件", "The whole file") if file else both("见产品页", "See its page"),
            ),
            ("dcat:accessURL", Iri(about)),
            ("dcat:downloadURL", Iri(f"{base}{file.path}") if file and file.path else None),
            ("dcat:mediaType", _ref(known.media_type(file.media_type)) if file else None),
            ("dct:format", _ref(known.file_type(file.media_type)) if file else None),
            ("dcat:byteSize", Text(str(file.bytes), datatype="xsd:nonNegativeInteger") if file else None),
            ("spdx:checksum", checksum),
            ("dct:license", Iri(one.licence.iri)),
            ("dct:rights", _rights(one.conditions)),
            ("dct:language", _ref(known.languages()[0])),
            ("dct:issued", _moment(one.issued)),
            ("dct:modified", _moment(one.modified)),
            ("dcatap:availability", _ref(known.availability()) if file else None),
            ("dcatap:applicableLegislation", Iri(f"{about}#law") if one.law else None),
            ("dcat:accessService", Iri(f"{about}#service" if one.endpoint else f"{base}/catalog#service")),
            ("odrl:hasPolicy", Iri(f"{about}#offer") if one.offer else None),
        ),
    )


def _interface(one: DataSet, endpoint: str, about: str) -> Thing:
    """The agency's own interface, where the data is reached at one."""
    return Thing(
        f"{about}#service",
        ("dcat:DataService",),
        said(
            ("dct:title", Text(one.title, "zh")),
            ("dcat:endpointURL", Iri(endpoint)),
            ("dct:accessRights", _ref(known.access_right(one.access))),
            ("dct:license", Iri(one.licence.iri)),
            ("dcat:servesDataset", Iri(about)),
        ),
    )


def _offer(offer: Offer, about: str, base: str) -> Thing:
    """Whoever agrees may use it: for these purposes, in these places, if named where anybody is."""
    asked = []
    if offer.purposes:
        purposes = [Iri(_PURPOSE + one.value) for one in offer.purposes]
        asked.append(_constraint("odrl:purpose", "odrl:isAnyOf", purposes))
    if offer.places:
        asked.append(_constraint("odrl:spatial", "odrl:isAnyOf", [Text(one) for one in offer.places]))
    permission = Thing(
        None,
        ("odrl:Permission",),
        said(
            ("odrl:target", Iri(about)),
            ("odrl:action", Iri("odrl:use")),
            ("odrl:assignee", [Iri(f"urn:databourse:org:{one}") for one in offer.assignees]),
            ("odrl:constraint", asked),
            ("odrl:duty", [Thing(None, ("odrl:Duty",), [("odrl:action", Iri(ask))]) for ask in offer.asks]),
        ),
    )
    kind = "odrl:Set" if not (offer.assignees or offer.assigner) else "odrl:Offer"
    return Thing(
        f"{about}#offer",
        (kind, "odrl:Policy"),
        said(
            ("odrl:uid", Iri(f"{about}#offer")),
            ("odrl:profile", Iri("urn:databourse:odrl:1")),
            ("odrl:assigner", Iri(f"{base}/catalog#{offer.assigner}")),
            ("odrl:permission", permission),
        ),
    )


def _constraint(left: str, operator: str, right: Sequence[Value]) -> Thing:
    says = said(
        ("odrl:leftOperand", Iri(left)), ("odrl:operator", Iri(operator)), ("odrl:rightOperand", right)
    )
    return Thing(None, ("odrl:Constraint",), says)


def _licence(one: Licence) -> Thing:
    kind = Iri(known.LICENCE_TYPE + one.type)
    return Thing(
        one.iri, ("dct:LicenseDocument",), said(("dct:title", both(one.zh, one.en)), ("dct:type", kind))
    )


def _licence_type(one: Licence) -> list[Thing]:
    pairs = said(("skos:inScheme", Iri(f"{known.LICENCE_TYPE}1.0")), ("skos:prefLabel", Text(one.type, "en")))
    return [Thing(known.LICENCE_TYPE + one.type, ("skos:Concept",), pairs)]


def _place(place: Place, base: str) -> Thing | None:
    if not place.code or place.code == "CN":
        return None
    names = both(place.zh or f"行政区划 {place.code}", place.en or f"Region {place.code}")
    says = said(
        ("dct:identifier", Text(place.code)),
        ("skos:inScheme", Iri(f"{base}/catalog#gbt2260")),
        ("skos:prefLabel", names),
    )
    return Thing(f"{base}/catalog#region-{place.code}", ("dct:Location", "skos:Concept"), says)


def _law(named: str, about: str) -> Thing:
    """The provision that the opening rests on, by its name: no register of addresses of laws is at hand."""
    return Thing(f"{about}#law", ("eli:LegalResource",), said(("dct:title", Text(named, "zh"))))


def _keywords(one: DataSet) -> list[str]:
    return list(dict.fromkeys(word for word in (one.theme, *one.keywords) if word.strip()))


def _rights(conditions: str) -> Thing | None:
    if not conditions:
        return None
    return Thing(None, ("dct:RightsStatement",), said(("dct:description", Text(conditions, "zh"))))


def _quality(tenths: int | None, base: str) -> Thing | None:
    """The measured score, 0 to 100."""
    if tenths is None:
        return None
    value = Text(f"{tenths // _SCORE}.{tenths % _SCORE}", datatype="xsd:decimal")
    says = said(("dqv:isMeasurementOf", Iri(f"{base}/catalog#score")), ("dqv:value", value))
    return Thing(None, ("dqv:QualityMeasurement",), says)


def _metric(base: str) -> Thing:
    return Thing(
        f"{base}/catalog#score",
        ("dqv:Metric",),
        said(
            (
                "skos:prefLabel",
                both("数据质量得分（GB/T 36344 六维）", "Quality score (six dimensions, GB/T 36344)"),
            ),
            ("dqv:expectedDataType", Iri("xsd:decimal")),
        ),
    )


def _period(covers: tuple[date, date] | None) -> Thing | None:
    if covers is None:
        return None
    dates = [Text(day.isoformat(), datatype="xsd:date") for day in covers]
    return Thing(None, ("dct:PeriodOfTime",), said(("dcat:startDate", dates[0]), ("dcat:endDate", dates[1])))


def _moment(at: datetime) -> Text:
    return Text(rfc3339(at), datatype="xsd:dateTime")


def _page(path: str, base: str) -> Thing:
    """The page for people, in the catalogue's own language."""
    return Thing(f"{base}/zh{path}", ("foaf:Document",), said(("dct:title", both("网页", "Page"))))


def _ref(thing: Thing) -> Iri:
    assert thing.iri is not None
    return Iri(thing.iri)
