"""The usage policy as values: what it is made of, and what it says of an access."""

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.listings.conditions import Conditions, Purpose, conditions_from, places_holding
from market.listings.errors import ListingMalformed
from market.orders import errors
from market.orders.permitting import Access, check_access, parse
from market.orders.policy import Licence, build
from market.orders.scope import (
    LicenceScope,
    check_within,
    default_scope,
    scope_from,
    scope_of_text,
    territory_of,
)

SELLER, BUYER, FRIEND = (f"org_{digit * 26}" for digit in "123")
FILE = "ab" * 32
DATED = datetime(2026, 11, 12, 7, 0, tzinfo=UTC)
BEGUN = datetime(2026, 11, 17, 2, 0, tzinfo=UTC)
SCOPE = LicenceScope(purposes=(Purpose.MODEL_TRAINING, Purpose.RISK_CONTROL), recipients=(FRIEND,))
LICENCE = Licence(
    trade_id="trd_" + "0" * 26,
    seller_id=SELLER,
    buyer_id=BUYER,
    file_sha256=FILE,
    territory=("440000", "HK"),
    term_months=12,
    dated_at=DATED,
    scope=SCOPE,
)
ACCESS = Access(
    by=BUYER,
    recipient=BUYER,
    place="440106",
    purpose="RISK_CONTROL",
    file_sha256=FILE,
    at=BEGUN + timedelta(days=1),
    started_at=BEGUN,
    count=1,
)


def policy_of(**changes):
    return parse(build(replace(LICENCE, **changes)))


def test_the_policy_is_an_odrl_agreement_that_says_every_term():
    said = orjson.loads(build(LICENCE))
    assert (said["@context"], said["@type"]) == ("http://www.w3.org/ns/odrl.jsonld", "Agreement")
    assert (said["profile"], said["conflict"]) == ("urn:databourse:odrl:1", "prohibit")
    (permission,) = said["permission"]
    assert permission["action"] == "use"
    assert permission["target"] == f"urn:databourse:file:sha256:{FILE}"
    assert {
        one["leftOperand"]: (one["operator"], one["rightOperand"]) for one in permission["constraint"]
    } == {
        "purpose": (
            "isAnyOf",
            [
                {"@id": "urn:databourse:odrl:1:purpose:MODEL_TRAINING"},
                {"@id": "urn:databourse:odrl:1:purpose:RISK_CONTROL"},
            ],
        ),
        "spatial": ("isAnyOf", ["440000", "HK"]),
        "dateTime": ("lteq", {"@value": "2028-05-12T15:59:59.999Z", "@type": "xsd:dateTime"}),
        "elapsedTime": ("lteq", {"@value": "P12M", "@type": "xsd:duration"}),
        "count": ("lteq", {"@value": "3", "@type": "xsd:integer"}),
        "recipient": (
            "isAnyOf",
            [{"@id": f"urn:databourse:org:{BUYER}"}, {"@id": f"urn:databourse:org:{FRIEND}"}],
        ),
    }
    assert [one["action"] for one in said["prohibition"]] == ["derive", "grantUse", "sell", "transfer"]
    (duty,) = said["obligation"]
    assert duty["action"] == "delete"
    assert duty["constraint"][1]["rightOperand"]["@value"] == "10"


def test_the_same_licence_makes_the_same_bytes():
    assert build(LICENCE) == build(replace(LICENCE))
    assert build(LICENCE) != build(replace(LICENCE, term_months=13))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recipient": FRIEND},
        {"place": "HK"},
        {"place": "810000"},
        {"purpose": "MODEL_TRAINING"},
        {"count": 3},
        {"at": datetime(2027, 11, 17, 15, 59, 59, tzinfo=UTC)},
        {"action": "reproduce"},
    ],
)
def test_what_every_bound_allows_is_allowed(changes):
    check_access(policy_of(), replace(ACCESS, **changes))


@pytest.mark.parametrize(
    ("changes", "refused", "rule_id"),
    [
        ({"purpose": "MARKETING"}, errors.PurposeNotPermitted, "USE-PURPOSE"),
        ({"purpose": None}, errors.PurposeNotPermitted, "USE-PURPOSE"),
        ({"place": "310000"}, errors.TerritoryNotPermitted, "USE-TERRITORY"),
        ({"place": "SG"}, errors.TerritoryNotPermitted, "USE-TERRITORY"),
        ({"at": datetime(2027, 11, 17, 16, 0, tzinfo=UTC)}, errors.TermEnded, "USE-TERM"),
        ({"count": 4}, errors.CountExceeded, "USE-COUNT"),
        ({"recipient": SELLER}, errors.RecipientNotPermitted, "USE-RECIPIENT"),
        ({"action": "derive"}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"action": "sell"}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"action": "give"}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"action": "grantUse"}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"action": "delete", "by": FRIEND}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"by": FRIEND}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"file_sha256": "cd" * 32}, errors.UseProhibited, "USE-PROHIBITED"),
        ({"action": "watermark"}, errors.PolicyNotUnderstood, "USE-UNKNOWN"),
    ],
)
def test_each_bound_refuses_with_its_own_code_and_rule(changes, refused, rule_id):
    with pytest.raises(refused) as refusal:
        check_access(policy_of(), replace(ACCESS, **changes))
    assert type(refusal.value) is refused
    assert refusal.value.rule_id == rule_id


def test_the_latest_end_holds_whenever_the_delivery_began():
    late = datetime(2028, 4, 1, tzinfo=UTC)
    at = datetime(2028, 5, 13, tzinfo=UTC)
    with pytest.raises(errors.TermEnded):
        check_access(policy_of(), replace(ACCESS, started_at=late, at=at))


def test_derived_products_are_a_permission_of_their_own_when_they_are_agreed():
    policy = policy_of(scope=replace(SCOPE, derivative_allowed=True))
    check_access(policy, replace(ACCESS, action="derive"))
    with pytest.raises(errors.PurposeNotPermitted):
        check_access(policy, replace(ACCESS, action="derive", purpose="MARKETING"))
    with pytest.raises(errors.UseProhibited):
        check_access(policy, replace(ACCESS, action="sell"))


def test_a_prohibition_comes_first_also_where_a_permission_covers_the_same():
    said = orjson.loads(build(LICENCE))
    barred = copy.deepcopy(said["permission"][0])
    barred["constraint"] = [
        {
            "leftOperand": "purpose",
            "operator": "isAnyOf",
            "rightOperand": [{"@id": "urn:databourse:odrl:1:purpose:RISK_CONTROL"}],
        }
    ]
    said["prohibition"] = [barred]
    policy = parse(orjson.dumps(said))
    check_access(policy, replace(ACCESS, purpose="MODEL_TRAINING"))
    for purpose in ("RISK_CONTROL", None):  # what was not declared may be what is prohibited
        with pytest.raises(errors.UseProhibited):
            check_access(policy, replace(ACCESS, purpose=purpose))


def test_a_licence_of_one_purpose_tells_it():
    assert policy_of().only_purpose is None
    assert policy_of(scope=LicenceScope()).only_purpose == "INTERNAL_USE"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("@context",), "http://www.w3.org/ns/odrl/3"),
        (("@type",), "Offer"),
        (("profile",), "urn:another:profile"),
        (("conflict",), "perm"),
        (("inheritFrom",), "urn:x"),
        (("permission", 0, "action"), "aggregate"),
        (("permission", 0, "duty"), []),
        (("permission", 0, "target"), ""),
        (("permission", 0, "constraint", 0, "leftOperand"), "industry"),
        (("permission", 0, "constraint", 0, "operator"), "isA"),
        (("permission", 0, "constraint", 0, "rightOperand"), [{"@id": "urn:other:RISK_CONTROL"}]),
        (("permission", 0, "constraint", 2, "operator"), "isPartOf"),
        (("permission", 0, "constraint", 2, "rightOperand"), "2028-05-12"),
        (("permission", 0, "constraint", 2, "rightOperand"), {"@value": "soon", "@type": "xsd:dateTime"}),
        (("permission", 0, "constraint", 3, "rightOperand"), {"@value": "PT5M", "@type": "xsd:duration"}),
        (("permission", 0, "constraint", 4, "rightOperand"), {"@value": "many", "@type": "xsd:integer"}),
        (("permission", 0, "constraint", 1), {"or": []}),
        (("obligation", 0, "action"), "compensate"),
        (("permission",), {}),
    ],
)
def test_a_policy_with_anything_unknown_in_it_is_not_understood(path, value):
    said = orjson.loads(build(LICENCE))
    place = said
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(errors.PolicyNotUnderstood):
        parse(orjson.dumps(said))


def test_what_is_no_json_is_not_understood():
    for text in (b"", b"[]", b"{", b"null"):
        with pytest.raises(errors.PolicyNotUnderstood):
            parse(text)


scopes = st.builds(
    LicenceScope,
    purposes=st.sets(st.sampled_from(Purpose), min_size=1).map(lambda some: tuple(sorted(some))),
    recipients=st.sets(st.sampled_from([FRIEND, SELLER])).map(lambda some: tuple(sorted(some))),
    derivative_allowed=st.booleans(),
    max_count=st.integers(1, 10**6),
    delete_within_wd=st.integers(1, 60),
)


@given(scopes, st.sampled_from(Purpose), st.sampled_from([BUYER, FRIEND, SELLER]), st.integers(1, 10**6 + 1))
def test_an_access_is_allowed_exactly_inside_the_scope(scope, purpose, recipient, count):
    """The evaluator is asked what the scope says, by another way than it was built."""
    access = replace(ACCESS, purpose=purpose.value, recipient=recipient, count=count)
    inside = (
        purpose in scope.purposes and recipient in {BUYER, *scope.recipients} and count <= scope.max_count
    )
    try:
        check_access(policy_of(scope=scope), access)
    except errors.PolicyRefuses:
        assert not inside
    else:
        assert inside


@given(scopes)
def test_a_scope_is_kept_as_it_was(scope):
    assert scope_of_text(scope.text()) == scope
    assert scope_from(scope.document()) == scope


@pytest.mark.parametrize(
    "said",
    [
        {"purposes": []},
        {"purposes": ["FUN"]},
        {"purposes": None},
        {"recipients": ["the public"]},
        {"recipients": [1]},
        {"max_count": 0},
        {"max_count": 10**6 + 1},
        {"max_count": True},
        {"delete_within_wd": 0},
        {"delete_within_wd": 61},
        {"derivative_allowed": "yes"},
        {"exclusive": True},
    ],
)
def test_a_scope_without_form_is_malformed(said):
    with pytest.raises(errors.OfferMalformed):
        scope_from(said)


NARROW = conditions_from(
    {
        "purposes": ["RESEARCH", "RISK_CONTROL"],
        "territory": ["CN"],
        "max_term_months": 12,
        "max_recipients": 0,
        "max_count": 2,
        "delete_within_wd": 5,
        "derivative_allowed": False,
    }
)
FITS = LicenceScope(purposes=(Purpose.RESEARCH,), max_count=2, delete_within_wd=5)


def offered(scope=FITS, territory="CN", term_months=12, buyer_place="440106", conditions=NARROW):
    check_within(scope, conditions, territory=territory, term_months=term_months, buyer_place=buyer_place)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"scope": replace(FITS, purposes=(Purpose.MARKETING,))}, errors.PurposeNotPermitted),
        ({"scope": replace(FITS, recipients=(FRIEND,))}, errors.RecipientNotPermitted),
        ({"scope": replace(FITS, derivative_allowed=True)}, errors.DerivativeNotPermitted),
        ({"scope": replace(FITS, resale_allowed=True)}, errors.ResaleNotPermitted),
        ({"scope": replace(FITS, max_count=3)}, errors.CountExceeded),
        ({"scope": replace(FITS, delete_within_wd=6)}, errors.RetentionTooLong),
        ({"territory": "CN,HK"}, errors.TerritoryNotPermitted),
        ({"territory": "310000"}, errors.TerritoryNotPermitted),
        ({"buyer_place": "810000"}, errors.TerritoryNotPermitted),
        ({"term_months": 13}, errors.TermEnded),
        ({"territory": "华南"}, errors.OfferMalformed),
    ],
)
def test_an_offer_outside_the_listings_conditions_is_refused(changes, refused):
    offered()
    offered(territory="440000")
    with pytest.raises(refused):
        offered(**changes)


def test_resale_is_refused_whatever_the_listing_says():
    with pytest.raises(errors.ResaleNotPermitted):
        offered(scope=LicenceScope(resale_allowed=True), conditions=Conditions())


def test_what_an_offer_gives_by_itself_fits_every_listing():
    for conditions in (Conditions(), NARROW, conditions_from({"purposes": ["INTERNAL_USE"], "max_count": 1})):
        offered(scope=default_scope(conditions), conditions=conditions)


@pytest.mark.parametrize(
    "said",
    [
        {"resale": True},
        {"purposes": []},
        {"purposes": ["FUN"]},
        {"territory": ["China"]},
        {"max_term_months": 61},
        {"max_count": "2"},
        {"delete_within_wd": 0},
        {"derivative_allowed": 1},
    ],
)
def test_conditions_without_form_are_malformed(said):
    with pytest.raises(ListingMalformed):
        conditions_from(said)
    assert conditions_from(NARROW.document()) == NARROW


def test_a_place_is_held_by_city_province_and_country_and_hong_kong_by_itself():
    assert places_holding("440106") == ("440106", "440100", "440000", "CN")
    assert places_holding("440000") == ("440000", "CN")
    assert places_holding("810001")[-1] == "HK"
    assert places_holding("SG") == ("SG",)
    assert territory_of("HK, CN") == ("CN", "HK")
