"""How many persons a file shows, against how many were declared."""

from dataclasses import replace

import pytest

from market.customs.declared import Mode, Sample, require_persons, sample_of
from market.customs.errors import DeclarationContradicted
from market.customs.risk import assess
from market.customs.routing import Way
from registry.rules import Hint, HintKind
from tests.market.customs.flows import facts, flow

DISTINCT = {"id_card": 1_000, "phone": 1_200, "plate": 9_000}


def hint(kind: HintKind, column: str, rows: int = 1_300, *, flagged: bool = True) -> Hint:
    return Hint(kind, column, rows, 1_300, flagged=flagged)


@pytest.mark.parametrize(
    ("hints", "sample"),
    [
        ((), Sample()),
        ((hint(HintKind.CN_ID, "id_card"),), Sample(1_000, 1_000)),
        # of 1,300 cells 300 hold something else, each perhaps another value
        ((hint(HintKind.CN_ID, "id_card", rows=1_000),), Sample(700, 700)),
        ((hint(HintKind.MOBILE, "phone"),), Sample(0, 1_200)),  # who has two telephones is one
        ((hint(HintKind.CN_ID, "id_card"), hint(HintKind.MOBILE, "phone")), Sample(1_000, 1_200)),
        ((hint(HintKind.PLATE, "plate", flagged=False),), Sample()),
        ((hint(HintKind.HEALTH, "phone"),), Sample()),
        ((hint(HintKind.CN_ID, "of another file"),), Sample()),
    ],
)
def test_different_identity_numbers_are_different_persons(hints, sample):
    assert sample_of(flow(1, volume_bytes=500), hints, DISTINCT, 500) == sample
    assert sample_of(flow(1, volume_bytes=499), hints, DISTINCT, 500) == Sample()  # not the whole file


def test_a_whole_file_of_more_persons_than_were_declared_is_refused_and_its_twin_is_not():
    sample = Sample(1_000, 1_200)
    require_persons(flow(400, 600), sample)
    with pytest.raises(DeclarationContradicted) as told:
        require_persons(flow(399, 600), sample)
    assert (told.value.facts["declared"], told.value.facts["seen"]) == (999, 1_000)
    require_persons(replace(flow(1), mode=Mode.API), sample)  # one answer may be all that goes


@pytest.mark.parametrize(("persons", "looks"), [(1_199, True), (1_200, False)])
def test_fewer_persons_than_telephones_are_an_officers_to_look_at(persons, looks):
    risk = assess(
        replace(flow(persons), product_id="prd_a"),
        facts(persons),
        Way.EXEMPT_SMALL,
        root="00" * 32,
        declaration_id="xbd_a",
        salt="s",
        trouble=0,
        with_list=True,
        sampled=1_200,
    )
    assert (risk.reasons, risk.looks) == ((("fewer-than-sampled+50",) if looks else ()), looks)
