"""An offer stays inside what its listing lets be given; else it is refused, recorded, and moves nothing."""

import orjson
import pytest
from sqlmodel import col, update

from identity.tables import OrganisationRow
from market.listings.conditions import Conditions, Purpose, conditions_from
from market.listings.errors import ListingMalformed
from market.listings.repository import conditions_of
from market.listings.tables import ListingConditions
from market.orders import errors, repository
from market.orders.bounding import usual_scope
from market.orders.scope import LicenceScope
from market.orders.tables import ContractPolicy
from tests.market.listings.goods import drafted, said
from tests.market.trade.scene import Scene
from tests.standstill import refused

NARROW = conditions_from(
    {"purposes": ["RESEARCH", "RISK_CONTROL"], "territory": ["CN"], "max_term_months": 12, "max_count": 2}
)
FITS = LicenceScope(purposes=(Purpose.RESEARCH,), max_count=2)


async def narrowed(scene: Scene, conditions: Conditions = NARROW) -> str:
    """The scene's listing has conditions; answers a trade of it that waits for its first offer."""
    async with scene.database.write() as s:
        document = orjson.dumps(conditions.document()).decode()
        s.add(ListingConditions(listing_id=scene.listing.listing_id, document=document))
    return scene.trades["INQUIRED"]


async def test_a_draft_states_its_conditions_in_public_and_a_listing_without_any_has_the_widest(scene):
    listing = await drafted(scene.seller, salt="conditions", conditions=NARROW)
    public, opening = await said(scene.database, "LST.DRAFT", listing.listing_id)
    assert public["conditions"] == NARROW.document()
    assert "conditions" not in opening
    async with scene.database.read() as s:
        assert await conditions_of(s, listing_id=listing.listing_id) == NARROW
        assert await conditions_of(s, listing_id=scene.listing.listing_id) == Conditions()
        usual = await usual_scope(s, listing_id=listing.listing_id)
    assert (usual.purposes, usual.max_count) == ((Purpose.RESEARCH,), 2)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"scope": LicenceScope(purposes=(Purpose.MARKETING,), max_count=1)}, errors.PurposeNotPermitted),
        ({"scope": LicenceScope(purposes=(Purpose.RESEARCH,), max_count=3)}, errors.CountExceeded),
        (
            {"scope": LicenceScope(purposes=(Purpose.RESEARCH,), max_count=1, resale_allowed=True)},
            errors.ResaleNotPermitted,
        ),
        (
            {
                "scope": LicenceScope(
                    purposes=(Purpose.RESEARCH,), max_count=1, recipients=("org_" + "0" * 26,)
                )
            },
            errors.RecipientNotPermitted,
        ),
        ({"scope": FITS, "territory": "SG"}, errors.TerritoryNotPermitted),
        ({"scope": FITS, "term_months": 13}, errors.TermEnded),
    ],
)
async def test_an_offer_outside_the_conditions_is_refused_with_its_rule_and_moves_nothing(
    scene, changes, kind
):
    trade_id = await narrowed(scene)
    async with refused(scene.database, kind):
        await scene.offer(trade_id, scene.seller, role="PROVIDER", **changes)
    refusal, _ = await said(scene.database, "REF.REFUSE", trade_id)
    assert (refusal["code"], refusal["rule_id"]) == (kind.code, kind.rule_id)
    assert refusal["rule_id"].startswith("USE-")


async def test_a_territory_that_does_not_hold_the_buyer_is_refused(scene):
    async with scene.database.write() as s:
        of_it = col(OrganisationRow.org_id) == scene.buyer.org_id
        await s.exec(update(OrganisationRow).where(of_it).values(region="810000"))
    async with refused(scene.database, errors.TerritoryNotPermitted):
        await scene.offer(scene.trades["INQUIRED"], scene.seller, role="PROVIDER")


async def test_what_was_agreed_is_what_the_contract_and_its_policy_say(scene):
    trade_id = await narrowed(scene)
    await scene.offer(trade_id, scene.seller, role="PROVIDER", scope=FITS, term_months=6)
    await scene.accept(trade_id, scene.buyer)
    async with scene.database.read() as s:
        contract = await repository.get_contract(s, trade_id=trade_id)
        policy = await s.get(ContractPolicy, trade_id)
    assert contract is not None
    assert policy is not None
    licence = orjson.loads(contract.document)["licence"]
    assert licence["policy_sha256"] == policy.policy_sha256
    assert {name: licence[name] for name in FITS.document()} == FITS.document()
    bounds = {
        one["leftOperand"]: one["rightOperand"]
        for one in orjson.loads(policy.document)["permission"][0]["constraint"]
    }
    assert bounds["purpose"] == [{"@id": "urn:databourse:odrl:1:purpose:RESEARCH"}]
    assert (bounds["count"]["@value"], bounds["elapsedTime"]["@value"]) == ("2", "P6M")


async def test_conditions_that_are_kept_are_read_back_strictly(scene):
    await narrowed(scene)
    async with scene.database.write() as s:
        await s.exec(update(ListingConditions).values(document='{"resale": true}'))
    async with scene.database.read() as s:
        with pytest.raises(ListingMalformed):
            await conditions_of(s, listing_id=scene.listing.listing_id)
