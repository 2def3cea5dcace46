"""One natural person behind the bids of two undertakings: told to supervision, and to nobody else."""

from dataclasses import dataclass, replace

import pytest

from identity.passwords import PasswordHash
from identity.service import enrol_person
from supervision.rules import co7
from tests.houses import Party
from tests.market.auctions.selling import commit, opened
from tests.market.exported import exported


@dataclass(frozen=True)
class ByLogin(Party):
    """A party that acts by the login of somebody."""

    user_id: str = ""

    @property
    def actor(self):
        return replace(super().actor, user_id=self.user_id)


async def hand(scene, party, login, mark):
    """A party that acts by a login of this natural person."""
    person = await scene.house.operator.do(
        enrol_person,
        attempted="PERSON.ENROL",
        org_id=party.org_id,
        login=login,
        name="王小明" if login[-1] in "12" else "李大同",
        password=PasswordHash("x"),
        mark=mark,
    )
    return ByLogin(party.house, party.organisation, party.registered, party.pen, party.key, person.user_id)


@pytest.mark.parametrize("one_hand", [True, False])
async def test_rivals_that_bid_by_one_person_are_asked_about(sqlite_scene, tmp_path, one_hand):
    scene = sqlite_scene
    marks = [scene.house.safe.mark(number) for number in ("11010519491231002X", "440308199901010012")]
    auction = await opened(scene)
    first = await hand(scene, scene.buyer, "clerk-1", marks[0])
    second = await hand(scene, scene.stranger, "clerk-2" if one_hand else "clerk-3", marks[not one_hand])
    await commit(scene, auction, first, 90_000)
    await commit(scene, auction, second, 70_000)
    third = await scene.house.admit("无名竞买人", {"BUYER"})
    await commit(scene, auction, third, 60_000)  # nobody's identity is on record
    log = await exported(scene, tmp_path)
    found = log.found(co7.RULE)
    assert [set(one.subjects) for one in found] == (
        [{scene.buyer.org_id, scene.stranger.org_id}] if one_hand else []
    )
    traces = log.tables["bid_traces"]
    assert [row["kind"] for row in traces] == ["person", "person"]
    assert len({row["value_sha256"] for row in traces}) == (1 if one_hand else 2)
    for private in (*marks, *(row["value_sha256"] for row in traces), "made_by"):
        assert private.encode() not in log.public
