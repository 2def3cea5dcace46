"""One page of the public catalogue as a DCAT-AP 3 document, and the way to the next one (Hydra). Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.clock import rfc3339
from web.dcat import jsonld, rdfxml, turtle
from web.dcat import vocabulary as known
from web.dcat.describing import (
    DataSet,
    Publisher,
    agent,
    contact_of,
    describe,
    own_scheme,
    publisher_type,
)
from web.dcat.terms import Iri, Text, Thing, both, resource, said

FORMS: Final[Mapping[str, tuple[str, Callable[[Iterable[Thing]], bytes]]]] = {
    "ttl": (turtle.MEDIA_TYPE, turtle.turtle),
    "jsonld": (jsonld.MEDIA_TYPE, jsonld.jsonld),
    "rdf": (rdfxml.MEDIA_TYPE, rdfxml.rdfxml),
}
"""What a catalogue is written as, by the ending of its address."""
_DCAT_AP: Final = "http://data.europa.eu/r5r/"
_OPENAPI: Final = "https://spec.openapis.org/oas/v3.1.0"
_CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The catalogue as a whole: whose it is, since when, and how many data sets it has."""

    base: str
    operator: Publisher
    issued: datetime
    modified: datetime
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where a page stands: its own address, the first one's, and the next one's if there is one."""

    this: str
    first: str
    next: str | None
    size: int


def page(catalogue: Catalogue, sets: Sequence[DataSet], turn: Turn) -> list[Thing]:
    """Everything a harvester needs of this page, each thing once."""
    base = catalogue.base
    described = [describe(one, base) for one in sets]
    datasets = [Iri(f"{base}{one.path}") for one in sets]
    operator = agent(catalogue.operator, base)
    shared = [
        operator,
        publisher_type(catalogue.operator.type),
        contact_of(catalogue.operator, base),
        *known.languages(),
        known.country(),
        known.access_right("PUBLIC"),
        known.scheme("data-theme", "数据主题", "Data theme"),
        own_scheme(base),
        known.eu_theme(None),
        Thing(_DCAT_AP, ("dct:Standard",), said(("dct:title", Text("DCAT-AP 3", "en")))),
        Thing(_OPENAPI, ("dct:Standard",), said(("dct:title", Text("OpenAPI 3.1", "en")))),
        Thing(f"{base}/zh/open", ("foaf:Document",), said(("dct:title", both("开放目录", "Open catalogue")))),
        resource(f"{base}/api/v1"),
        resource(f"{base}/api/v1/openapi.json"),
        *free_licence(),
    ]
    things = [_catalogue(catalogue, datasets), _service(catalogue, datasets), _turn(turn, catalogue.total)]
    for one in described:
        things += one.things
    for one in described:
        shared += one.shared
    return _once([*things, *shared])


def alone(one: DataSet, base: str) -> list[Thing]:
    """One data set by itself."""
    described = describe(one, base)
    return _once([*described.things, *described.shared])


def _once(things: Iterable[Thing]) -> list[Thing]:
    """What is described twice stands once: of one name is one thing."""
    return list({thing.iri: thing for thing in reversed(list(things))}.values())[::-1]


def _catalogue(one: Catalogue, datasets: Sequence[Iri]) -> Thing:
    base = one.base
    return Thing(
        f"{base}/catalog",
        ("dcat:Catalog",),
        said(
            ("dct:title", both("数据交易所公共目录", "Public catalogue of the data exchange")),
            (
                "dct:description",
                both(
                    "开放的公共数据与挂牌的数据产品；每一项的登记、分级与开放均有账本存证",
                    "Public data that is opened and products on offer; the ledger holds how each came here",
                ),
            ),
            ("dct:publisher", Iri(f"{base}/catalog#{one.operator.org_id}")),
            ("dcat:contactPoint", Iri(f"{base}/catalog#contact-{one.operator.org_id}")),
            ("foaf:homepage", Iri(f"{base}/zh/open")),
            ("dct:language", [Iri(known.EU + "language/ZHO"), Iri(known.EU + "language/ENG")]),
            ("dct:spatial", Iri(known.EU + "country/CHN")),
            ("dct:license", Iri(_CC0)),
            ("dct:issued", Text(rfc3339(one.issued), datatype="xsd:dateTime")),
            ("dct:modified", Text(rfc3339(one.modified), datatype="xsd:dateTime")),
            ("dcat:themeTaxonomy", [Iri(known.EU + "data-theme"), Iri(f"{base}/catalog#themes")]),
            ("dct:conformsTo", Iri(_DCAT_AP)),
            ("dcat:service", Iri(f"{base}/catalog#service")),
            ("dcat:dataset", datasets),
        ),
    )


def _service(one: Catalogue, datasets: Sequence[Iri]) -> Thing:
    base = one.base
    return Thing(
        f"{base}/catalog#service",
        ("dcat:DataService",),
        said(
            ("dct:title", both("数据交易所接口", "API of the data exchange")),
            (
                "dct:description",
                both("目录、下载与交易的程序接口", "The catalogue, downloads and trade for programs"),
            ),
            ("dcat:endpointURL", Iri(f"{base}/api/v1")),
            ("dcat:endpointDescription", Iri(f"{base}/api/v1/openapi.json")),
            ("dct:publisher", Iri(f"{base}/catalog#{one.operator.org_id}")),
            ("dcat:contactPoint", Iri(f"{base}/catalog#contact-{one.operator.org_id}")),
            ("dct:conformsTo", Iri(_OPENAPI)),
            ("dct:accessRights", Iri(known.EU + "access-right/PUBLIC")),
            ("dct:license", Iri(_CC0)),
            ("dcat:theme", Iri(known.EU + "data-theme/GOVE")),
            ("dcat:keyword", both("公共数据", "public data")),
            ("dcat:servesDataset", datasets),
        ),
    )


def free_licence() -> tuple[Thing, Thing]:
    """The descriptions are free; what they describe has a licence each."""
    kind = Iri(known.LICENCE_TYPE + "PublicDomain")
    title = both("CC0 1.0 公共领域贡献", "CC0 1.0 Public Domain Dedication")
    return (
        Thing(_CC0, ("dct:LicenseDocument",), said(("dct:title", title), ("dct:type", kind))),
        Thing(
            kind.value,
            ("skos:Concept",),
            said(
                ("skos:inScheme", Iri(f"{known.LICENCE_TYPE}1.0")),
                ("skos:prefLabel", Text("PublicDomain", "en")),
            ),
        ),
    )


def _turn(turn: Turn, total: int) -> Thing:
    """The page in its sequence, in the words of Hydra and in those that harvesters knew before."""
    number = Text(str(total), datatype="xsd:integer")
    following = None if turn.next is None else Iri(turn.next)
    return Thing(
        turn.this,
        ("hydra:PartialCollectionView", "hydra:PagedCollection"),
        said(
            ("hydra:totalItems", number),
            ("hydra:itemsPerPage", Text(str(turn.size), datatype="xsd:integer")),
            ("hydra:first", Iri(turn.first)),
            ("hydra:firstPage", Iri(turn.first)),
            ("hydra:next", following),
            ("hydra:nextPage", following),
        ),
    )
