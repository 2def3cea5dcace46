"""The catalogue's documents: one graph in three forms, DCAT-AP 3 by the published shapes and by our own."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCAT, DCTERMS, FOAF, ODRL2

from market.listings.categories import Category
from market.listings.conditions import Purpose
from registry.registration.rules import Update
from tests.web.dcat.judging import OWN, broken, published
from web.acts import Asked
from web.api.dcat import wanted_form
from web.api.openings import OpenSearch
from web.dcat.describing import DataSet, File, Licence, Offer, Place, Publisher
from web.dcat.document import FORMS, Catalogue, Turn, alone, page
from web.dcat.terms import Iri, Text, Thing, safe_iri
from web.dcat.vocabulary import category_of

AT = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
BASE = "https://databourse.example"
PARSERS = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}
# rdflib's reader of JSON-LD uses a class that rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
AGENCY = Publisher(org_id="org_1", name="市交通运输局", type="LocalAuthority")
OPERATOR = Publisher(org_id="org_0", name="数据交易所")
CC_BY = Licence(
    iri="https://creativecommons.org/licenses/by/4.0/",
    zh="署名 4.0",
    en="Attribution 4.0",
    type="Attribution",
)
OPEN = DataSet(
    path="/open/opn_1",
    identifier="opn_1",
    title="公交站点",
    description="线路与站点",
    publisher=AGENCY,
    update=Update.MONTHLY,
    access="PUBLIC",
    issued=AT,
    modified=AT,
    place=Place(code="440100", zh="广州", en="Guangzhou"),
    licence=CC_BY,
    category=Category.TRANSPORT,
    theme="公交",
    covers=(date(2025, 1, 1), date(2025, 12, 31)),
    file=File(media_type="text/csv", bytes=123, sha256="a" * 64, path="/open/opn_1/download"),
    conditions="注明来源",
    law="广州市公共数据开放管理办法",
    version="3",
)
REACHED = replace(
    OPEN, path="/open/opn_2", identifier="opn_2", file=None, covers=None, endpoint="https://api.example/bus"
)
OFFERED = DataSet(
    path="/products/lst_1",
    identifier="lst_1",
    title="航班动态",
    description="起降时刻",
    publisher=OPERATOR,
    update=None,
    access="RESTRICTED",
    issued=AT,
    modified=AT,
    place=Place(code="CN"),
    licence=Licence(
        iri=f"{BASE}/products/lst_1#licence", zh="商用", en="commercial", type="RoyaltiesRequired"
    ),
    category=Category.LOGISTICS,
    keywords=("数据集",),
    file=File(media_type="application/x-unheard", bytes=5, sha256="b" * 64),
    offer=Offer(
        assigner="org_0", purposes=(Purpose.RESEARCH,), places=("CN", "440000"), asks=("odrl:compensate",)
    ),
    score_tenths=873,
)
ALL = (OPEN, REACHED, OFFERED)


def catalogue(*sets: DataSet, following: str | None = None) -> list[Thing]:
    about = Catalogue(base=BASE, operator=OPERATOR, issued=AT, modified=AT, total=7)
    this = f"{BASE}/catalog.ttl"
    return page(about, sets, Turn(this=this, first=this, next=following, size=100))


def graph(things: list[Thing], form: str = "ttl") -> Graph:
    return Graph().parse(data=FORMS[form][1](things), format=PARSERS[form])


def test_the_three_forms_are_one_graph():
    things = catalogue(*ALL, following=f"{BASE}/catalog.ttl?after=opn_2")
    graphs = [graph(things, form) for form in FORMS]
    assert len(graphs[0]) > 250
    assert all(isomorphic(graphs[0], other) for other in graphs[1:])
    assert len({thing.iri for thing in things}) == len(things)  # each thing once


@pytest.mark.parametrize("sets", [(), (OPEN,), ALL])
def test_a_page_breaks_none_of_our_shapes(sets):
    assert broken(graph(catalogue(*sets)), OWN) == []


@pytest.mark.parametrize("sets", [(), ALL])
def test_a_page_breaks_none_of_the_published_shapes(sets):
    assert broken(graph(catalogue(*sets)), published()) == []


@pytest.mark.parametrize("one", ALL)
def test_a_data_set_by_itself_breaks_no_shape_that_is_about_it(one):
    alone_ = graph(alone(one, BASE))
    # What it is part of stands in the catalogue: only its reference to the exchange's own service leads away.
    leads = [] if one.endpoint else [f"{DCAT.accessService} of {BASE}{one.path}#distribution"]
    assert broken(alone_, OWN) == leads


@pytest.mark.parametrize(
    ("subject", "predicate"),
    [
        ("/open/opn_1", DCTERMS.title),
        ("/open/opn_1", DCTERMS.description),
        ("/open/opn_1#distribution", DCAT.accessURL),
        ("/catalog", DCTERMS.publisher),
        ("/catalog#service", DCAT.endpointURL),
        ("/catalog#org_1", FOAF.name),
    ],
)
def test_what_is_mandatory_and_left_out_is_found_by_both(subject, predicate):
    lacking = graph(catalogue(*ALL))
    lacking.remove((URIRef(BASE + subject), predicate, None))
    expected = f"{predicate} of {BASE}{subject}"
    assert expected in broken(lacking, OWN)
    assert expected in broken(lacking, published())


def test_what_is_said_of_an_open_data_set_is_what_is_kept():
    found = graph(catalogue(OPEN))
    about, had = URIRef(f"{BASE}/open/opn_1"), URIRef(f"{BASE}/open/opn_1#distribution")
    assert found.value(about, DCTERMS.title) == Literal("公交站点", lang="zh")
    eu = "http://publications.europa.eu/resource/authority/"
    assert set(found.objects(about, DCAT.theme)) == {
        URIRef(f"{eu}data-theme/TRAN"),
        URIRef(f"{BASE}/catalog#theme-transport"),
    }
    assert found.value(about, DCTERMS.accrualPeriodicity) == URIRef(f"{eu}frequency/MONTHLY")
    assert found.value(about, DCTERMS.accessRights) == URIRef(f"{eu}access-right/PUBLIC")
    assert found.value(had, DCAT.downloadURL) == URIRef(f"{BASE}/open/opn_1/download")
    assert str(found.value(had, DCAT.byteSize)) == "123"
    assert found.value(had, DCTERMS.format) == URIRef(f"{eu}file-type/CSV")
    assert found.value(had, DCAT.mediaType) == URIRef("http://www.iana.org/assignments/media-types/text/csv")
    assert not set(found.objects(about, ODRL2.hasPolicy))


def test_a_product_shows_its_offer_and_no_address_to_take_it_at():
    found = graph(catalogue(OFFERED))
    about = URIRef(f"{BASE}/products/lst_1")
    policy = found.value(about, ODRL2.hasPolicy)
    assert (policy, RDF.type, ODRL2.Offer) in found
    permission = found.value(policy, ODRL2.permission)
    assert found.value(permission, ODRL2.target) == about
    bounds = {
        str(found.value(one, ODRL2.leftOperand)): {str(o) for o in found.objects(one, ODRL2.rightOperand)}
        for one in found.objects(permission, ODRL2.constraint)
    }
    assert bounds == {
        str(ODRL2.purpose): {"urn:databourse:odrl:1:purpose:RESEARCH"},
        str(ODRL2.spatial): {"CN", "440000"},
    }
    assert not list(found.objects(None, DCAT.downloadURL))


HOSTILE = st.text(
    st.one_of(
        st.sampled_from('"\\\n\r\t<>{}|^`@ .;,\u2028\u00a0中'), st.characters(exclude_categories=["Cs", "Cc"])
    ),
    max_size=30,
)


@settings(max_examples=25)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_whatever_a_text_holds_it_is_read_back_as_it_was(title, description, word):
    said = replace(OPEN, title=title, description=description, keywords=(word,), theme="")
    about = URIRef(f"{BASE}/open/opn_1")
    read = {form: graph(alone(said, BASE), form) for form in FORMS}
    for form, found in read.items():
        # XML has no carriage return of its own: a reader of RDF/XML hears a line end.
        heard = title.replace("\r\n", "\n").replace("\r", "\n") if form == "rdf" else title
        assert found.value(about, DCTERMS.title) in {Literal(heard, lang="zh"), Literal(title, lang="zh")}
        assert len(found) == len(read["ttl"])


@pytest.mark.parametrize("sign", ["\uffff", "\ufffe", "\x00", "\x1f", "\x0b"])
def test_a_sign_that_xml_cannot_write_stops_no_harvest(sign):
    hostile = replace(OPEN, title=f"公交{sign}站点")
    read = Graph().parse(data=FORMS["rdf"][1](alone(hostile, BASE)), format="xml")
    assert Literal("公交\ufffd站点", "zh") in set(read.objects(None, DCTERMS.title))
    FORMS["rdf"][1]([Thing(f"{BASE}/{sign}", ("dcat:Dataset",))])


@pytest.mark.parametrize("sign", ["\uffff", "\ufffe", "\x00"])
def test_a_text_that_no_xml_can_hold_is_not_taken(sign):
    class Named(Asked):
        name: str

    with pytest.raises(ValidationError):
        Named(name=f"公交{sign}站点")
    assert Named(name="公交\n站点\U0001f68c").name


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_no_iri_can_be_ended_early_by_what_stands_in_it(text):
    thing = Thing("urn:databourse:x", ("dcat:Dataset",), [("dct:source", Iri(f"https://x.example/{text}"))])
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return
    found = Graph().parse(data=FORMS["ttl"][1]([thing]), format="turtle")
    (said,) = found.objects(URIRef("urn:databourse:x"), DCTERMS.source)
    assert str(said) == safe_iri(f"https://x.example/{text}")
    assert Text(text) == Text(text)


@pytest.mark.parametrize(
    ("theme", "category"),
    [
        ("交通运输", Category.TRANSPORT),
        ("transport", Category.TRANSPORT),
        (" Health ", Category.HEALTH),
        ("印章", None),
        ("", None),
    ],
)
def test_a_free_theme_that_names_a_category_is_that_category(theme, category):
    assert category_of(theme) is category


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, None),
        ("*/*", None),
        ("text/turtle", "ttl"),
        ("TEXT/Turtle;q=0.9, */*", "ttl"),
        ("text/turtle;q=0", None),
        ("text/turtle;q=0.000, application/ld+json;q=0.1", "jsonld"),
        ("text/turtle;q=0.5, application/rdf+xml;q=0.8", "rdf"),
        ("text/turtle, application/ld+json", "ttl"),
        ("text/turtle, text/html", None),
        ("text/html;q=0.8, text/turtle;q=0.9", "ttl"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,text/turtle;q=0.8", None),
        ("text/turtle;q=x, application/ld+json; q=0.2", "jsonld"),
        ("text/turtle;q=nan", None),
    ],
)
def test_the_form_that_is_wanted_most_is_answered(accept, form):
    assert wanted_form(accept) == form


def test_a_search_names_eight_words_at_most():
    assert OpenSearch(q="a b c d e f g h ").q == "a b c d e f g h "
    with pytest.raises(ValidationError):
        OpenSearch(q="a b c d e f g h i")
