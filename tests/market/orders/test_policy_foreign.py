"""The usage policy as a stranger reads it: rdflib's JSON-LD reader and its copy of the W3C's ODRL vocabulary.

The context is written here after the W3C's `odrl.jsonld`, as far as a policy of ours goes: each term of it
is an IRI of the vocabulary, or the test fails.
"""

from datetime import UTC, datetime

import orjson
import pytest
from rdflib import RDF, Graph, Literal, URIRef
from rdflib.namespace import ODRL2, XSD

from market.listings.conditions import Purpose
from market.orders.policy import CONTEXT, PROFILE, Licence, build
from market.orders.scope import LicenceScope

# rdflib's reader uses a class that rdflib deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
SELLER, BUYER, FRIEND = (f"org_{digit * 26}" for digit in "123")
ODRL = "http://www.w3.org/ns/odrl/2/"
IRI, VOCABULARY = {"@type": "@id"}, {"@type": "@vocab"}
REFERRING = "uid profile target assigner assignee permission prohibition obligation constraint"
NAMING = "conflict action operator leftOperand"
VALUED = "rightOperand unit"
TERMS = {
    **dict.fromkeys(REFERRING.split(), IRI),
    **dict.fromkeys(NAMING.split(), VOCABULARY),
    **{name: {} for name in VALUED.split()},
}
NAMES = (
    "Agreement prohibit use derive grantUse sell transfer delete purpose spatial dateTime elapsedTime count "
    "recipient event isAnyOf lteq gt"
)


def context():
    terms = {name: {"@id": f"{ODRL}{name}"} | how for name, how in TERMS.items()}
    names = {name: f"{ODRL}{name}" for name in NAMES.split()}
    return {"xsd": str(XSD), **terms, **names}


def read(policy: bytes) -> Graph:
    said = orjson.loads(policy)
    assert said["@context"] == CONTEXT
    return Graph().parse(data=orjson.dumps(said | {"@context": context()}), format="json-ld")


def policy(**changes) -> bytes:
    scope = LicenceScope(
        purposes=(Purpose.MODEL_TRAINING, Purpose.RISK_CONTROL), recipients=(FRIEND,), **changes
    )
    return build(
        Licence(
            trade_id="trd_" + "0" * 26,
            seller_id=SELLER,
            buyer_id=BUYER,
            file_sha256="ab" * 32,
            territory=("CN", "HK"),
            term_months=12,
            dated_at=datetime(2026, 11, 12, tzinfo=UTC),
            scope=scope,
        )
    )


def test_every_term_of_the_policy_is_one_of_the_w3c_vocabulary():
    for changes in ({}, {"derivative_allowed": True}):
        graph = read(policy(**changes))
        used = {node for triple in graph for node in triple if isinstance(node, URIRef)}
        ours = {node for node in used if not str(node).startswith(ODRL)}
        assert all(str(node).startswith("urn:databourse:") or node == RDF.type for node in ours), ours
        for node in used - ours:
            assert node in ODRL2, node


def test_a_stranger_finds_the_parties_the_goods_and_every_bound():
    graph = read(policy())
    (agreement,) = graph.subjects(RDF.type, ODRL2.Agreement)
    assert graph.value(agreement, ODRL2.uid) == URIRef("urn:databourse:policy:trd_" + "0" * 26)
    assert graph.value(agreement, ODRL2.profile) == URIRef(PROFILE)
    assert graph.value(agreement, ODRL2.conflict) == ODRL2.prohibit
    (permission,) = graph.objects(agreement, ODRL2.permission)
    assert graph.value(permission, ODRL2.assigner) == URIRef(f"urn:databourse:org:{SELLER}")
    assert graph.value(permission, ODRL2.assignee) == URIRef(f"urn:databourse:org:{BUYER}")
    assert graph.value(permission, ODRL2.target) == URIRef("urn:databourse:file:sha256:" + "ab" * 32)
    bounds = {}
    for one in graph.objects(permission, ODRL2.constraint):
        left, operator = graph.value(one, ODRL2.leftOperand), graph.value(one, ODRL2.operator)
        bounds[left] = (operator, set(graph.objects(one, ODRL2.rightOperand)))
    assert bounds == {
        ODRL2.purpose: (
            ODRL2.isAnyOf,
            {URIRef(f"{PROFILE}:purpose:{code}") for code in ("MODEL_TRAINING", "RISK_CONTROL")},
        ),
        ODRL2.spatial: (ODRL2.isAnyOf, {Literal("CN"), Literal("HK")}),
        ODRL2.dateTime: (ODRL2.lteq, {Literal("2028-05-12T15:59:59.999Z", datatype=XSD.dateTime)}),
        ODRL2.elapsedTime: (ODRL2.lteq, {Literal("P12M", datatype=XSD.duration)}),
        ODRL2["count"]: (ODRL2.lteq, {Literal("3", datatype=XSD.integer)}),
        ODRL2.recipient: (ODRL2.isAnyOf, {URIRef(f"urn:databourse:org:{one}") for one in (BUYER, FRIEND)}),
    }
    barred = {graph.value(one, ODRL2.action) for one in graph.objects(agreement, ODRL2.prohibition)}
    assert barred == {ODRL2.derive, ODRL2.grantUse, ODRL2.sell, ODRL2.transfer}
    (duty,) = graph.objects(agreement, ODRL2.obligation)
    assert graph.value(duty, ODRL2.action) == ODRL2.delete
