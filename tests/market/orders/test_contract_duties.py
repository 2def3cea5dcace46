"""Rights and duties in a contract: what it puts down by what is sold, and what the evidence says of each."""

import orjson
import pytest

from market.orders.clauses import ModelType, model
from market.orders.duties import (
    DUTIES,
    Bearer,
    DutyFacts,
    Evidence,
    Verdict,
    checked,
    duties_for,
    duties_in,
    judged,
)
from tests.market.orders.test_contract_documents import drawn

WITHOUT_PERSONS = [
    *("lawful-source", "graded"),
    *("within-purpose", "no-onward-transfer", "protected", "deleted-at-the-end"),
]


def codes(**facts):
    return [one.code for one in duties_for(DutyFacts(**({"personal": False} | facts)))]


def test_what_is_sold_decides_what_is_put_down():
    assert codes() == WITHOUT_PERSONS
    assert "no-onward-transfer" not in codes(resale_allowed=True)
    of_models = {
        ModelType.PROCESSING: {"processing-agreed", "as-entrusted", "entrusted-assists"},
        ModelType.FUSION: {"may-turn-to-either", "joint-duties-agreed"},
    }
    whole = [one.code for one in DUTIES if not any(one.code in codes for codes in of_models.values())]
    every = {"personal": True, "separate": True, "important": True, "abroad": True}
    assert codes(**every) == whole
    assert codes(**every, resale_allowed=True) == whole, "consent to one receiver is none to the next"
    plain = codes(personal=True)
    assert set(whole) - set(plain) == {"separate-consent", "export-cleared"}
    assert "separate-consent" in codes(personal=True, abroad=True), "PIPL 39"
    assert codes(abroad=True) == [*WITHOUT_PERSONS[:2], "export-cleared", *WITHOUT_PERSONS[2:]]
    for kind, added in of_models.items():
        assert set(codes(**every, model=kind)) - set(whole) == added
    assert set(codes(model=ModelType.FUSION)) == set(WITHOUT_PERSONS), (
        "joint handling is of persons (PIPL 20)"
    )
    processing = set(codes(model=ModelType.PROCESSING)) - set(WITHOUT_PERSONS)
    assert processing == of_models[ModelType.PROCESSING] - {"entrusted-assists"}, "PIPL 59 is of persons"
    assert "security-reviewed" in codes(important=True)
    usual = {Bearer.SUBJECT, Bearer.CONTROLLER, Bearer.USER}
    assert {one.bearer for one in duties_for(DutyFacts(personal=True))} == usual


def test_where_processing_is_entrusted_the_buyer_entrusts_it_and_the_provider_is_entrusted():
    put = duties_for(DutyFacts(personal=True, model=ModelType.PROCESSING))
    bearers = {one.code: one.bearer for one in put if one.bearer in {Bearer.ENTRUSTING, Bearer.ENTRUSTED}}
    assert bearers == {
        "processing-agreed": Bearer.ENTRUSTING,
        "as-entrusted": Bearer.ENTRUSTED,
        "entrusted-assists": Bearer.ENTRUSTED,
    }
    clause = model(ModelType.PROCESSING, 1).text("zh").splitlines()[4]
    assert clause.startswith("1.1 需方（委托方）委托供方（受托方）")


def test_a_contract_carries_the_very_words_and_one_from_before_is_the_same_bytes_as_ever():
    before = orjson.loads(drawn().document)
    assert "duties" not in before
    assert duties_in(before) == ()
    put = [one.document() for one in duties_for(DutyFacts(personal=True))]
    made = orjson.loads(drawn(duties=put).document)
    assert {name: made[name] for name in before} == before | {"licence": made["licence"]}
    assert duties_in(made) == duties_for(DutyFacts(personal=True))
    old = made | {"duties": [put[0] | {"code": "gone", "text": "旧文"}]}
    (known,) = duties_in(old)
    assert (known.words.zh, known.words.en) == ("旧文", "旧文")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (None, Verdict.NOT_YET),
        (Evidence(), Verdict.MISSING),
        (Evidence(1), Verdict.MET),
        (Evidence(0, 0), Verdict.NOT_YET),
        (Evidence(2, 2), Verdict.MET),
        (Evidence(1, 2), Verdict.OPEN),
        (Evidence(1, 2, late=1), Verdict.LATE),
        (Evidence(2, 2, late=1), Verdict.LATE),
    ],
)
def test_what_the_evidence_says(found, verdict):
    duty = next(one for one in DUTIES if one.bearer is Bearer.USER)
    assert judged(duty, found) is verdict
    assert judged(DUTIES[0], found) is Verdict.RIGHT
    (line,) = checked([duty], {} if found is None else {duty.code: found})
    assert line.verdict is verdict


def test_more_done_than_there_is_is_an_error():
    with pytest.raises(ValueError, match="3 of 2"):
        judged(DUTIES[-1], Evidence(3, 2))
