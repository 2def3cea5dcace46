"""Evidence is what the authority's register says it is, and nothing else; lots can be drawn again."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from market.customs.declared import Kind, Research
from market.customs.errors import EvidenceRefused
from market.customs.proving import DocumentKind, check_shown, check_submission, last_day
from market.customs.risk import assess, lot_of
from market.customs.routing import Way
from tests.market.customs.flows import ATTACHED, NOW, document, facts, flow, shown

SC = Way.CONTRACT_OR_CERTIFICATION


def check(way=SC, said=None, found=None, said_shown=None, at=NOW):
    return check_shown(
        way, said or flow(200_000), said_shown or shown(), found or document(), exporter_id="org_a", at=at
    )


def test_a_standard_contract_that_is_filed_carries_the_declaration_until_its_end():
    assert check() == date(2028, 11, 1)
    assert check(found=document(valid_until=None)) is None


@pytest.mark.parametrize(
    ("found", "said_shown", "why"),
    [
        (document(sha256="d" * 64), None, "forged"),
        (document("org_b"), None, "other-exporter"),
        (document(country="US"), None, "other-scope"),
        (document(recipient_name="Somebody Else"), None, "other-scope"),
        (document(persons=199_999), None, "too-few"),
        (document(ended=True), None, "ended"),
        (document(valid_until=date(2026, 11, 15)), None, "expired"),
        (document(issued_on=date(2026, 11, 17)), None, "expired"),
        (document(filed_on=date(2026, 11, 17)), None, "filed-late"),
        (document(kind=DocumentKind.CERTIFICATE), None, "unknown"),
        (None, shown(kind=DocumentKind.ASSESSMENT), "wrong-kind"),
        (None, shown(attached={"contract": "1" * 64}), "missing"),
        (None, shown(pipia_on=None), "missing"),
        (None, shown(pipia_on=date(2026, 11, 17)), "pipia-old"),
        (None, shown(pipia_on=date(2023, 11, 15)), "pipia-old"),
    ],
)
def test_what_does_not_carry_it_is_refused_with_the_reason(found, said_shown, why):
    with pytest.raises(EvidenceRefused) as refused:
        check(found=found, said_shown=said_shown)
    assert refused.value.facts["why"] == why


def test_near_misses_of_the_same_are_taken():
    assert check(found=document(persons=200_000))
    assert check(found=document(valid_until=date(2026, 11, 16))) == date(2026, 11, 16)
    assert check(said_shown=shown(pipia_on=date(2023, 11, 16)))
    sensitive = flow(0, 5)
    assert check(said=sensitive)
    with pytest.raises(EvidenceRefused) as refused:
        check(said=sensitive, found=document(sensitive=False))
    assert refused.value.facts["why"] == "other-scope"


@pytest.mark.parametrize("kind", [DocumentKind.CERTIFICATE, DocumentKind.ASSESSMENT])
def test_three_years_are_the_most_that_a_certificate_or_an_assessment_lives(kind):
    kept = document(kind=kind, issued_on=date(2026, 1, 31), valid_until=date(2035, 1, 1))
    assert last_day(kept, NOW) == date(2029, 1, 31)
    way = SC if kind is DocumentKind.CERTIFICATE else Way.ASSESSMENT
    last = datetime(2029, 1, 31, 15, 59, 59, tzinfo=UTC)  # the last second of the day in Shanghai
    on_it = shown(kind=kind, pipia_on=date(2028, 1, 1))
    assert check(way, found=kept, said_shown=on_it, at=last) == date(2029, 1, 31)
    with pytest.raises(EvidenceRefused):
        check(way, found=kept, said_shown=on_it, at=last.replace(hour=16, minute=0, second=0))


def test_a_research_project_shows_the_ethics_approval_that_it_named():
    project = Research(project="P-7", ethics_no="E-1", ethics_sha256="e" * 64, participants=("a", "b"))
    said = flow(200_000, kind=Kind.RESEARCH, research=project)
    for attached in (ATTACHED, ATTACHED | {"ethics": "f" * 64}):
        with pytest.raises(EvidenceRefused):
            check(said=said, said_shown=shown(attached=attached))
    assert check(said=said, said_shown=shown(attached=ATTACHED | {"ethics": "e" * 64}))


def test_an_assessment_asks_for_its_papers():
    papers = dict.fromkeys(("self_assessment", "contract", "pipia"), "1" * 64)

    def without(name):
        return {one: sha for one, sha in papers.items() if one != name}

    check_submission(papers, flow(1))
    check_submission(without("pipia"), flow())
    for missing in papers:
        with pytest.raises(EvidenceRefused) as refused:
            check_submission(without(missing), flow(1))
        assert refused.value.facts["missing"] == [missing]
    project = Research(project="P-7", ethics_no="E-1", ethics_sha256="e" * 64, participants=("a", "b"))
    said = flow(0, 10_000, kind=Kind.RESEARCH, research=project)
    for more, why in (({}, "missing"), ({"ethics": "f" * 64}, "forged")):
        with pytest.raises(EvidenceRefused) as refused:
            check_submission(papers | more, said)
        assert refused.value.facts["why"] == why
    check_submission(papers | {"ethics": "e" * 64}, said)


def test_the_lot_is_drawn_again_from_what_the_ledger_holds():
    assert lot_of("00" * 32, "xbd_a", "s") == 6_875
    assert len({lot_of(r * 32, i, x) for r in ("00", "01") for i in ("a", "b") for x in "st"}) == 8
    drawn = sum(lot_of("ab" * 32, f"xbd_{n}", "s") < 500 for n in range(4_000))
    assert 150 < drawn < 250  # a twentieth


def test_risk_is_explained_and_asks_for_a_check_from_fifty_points_on():
    said = flow(95_000, onward=("SG",))
    risk = assess(
        said,
        facts(95_000),
        Way.EXEMPT_SMALL,
        root="00" * 32,
        declaration_id="xbd_a",
        salt="s",
        trouble=0,
        with_list=False,
    )
    assert risk.reasons == ("near-threshold+30", "no-list-of-persons+20", "passed-on+20", "no-scan+30")
    assert (risk.points, risk.looks, risk.drawn) == (100, True, False)
    calm = assess(
        replace(flow(), product_id="prd_a"),
        facts(),
        Way.EXEMPT_NO_PERSONAL,
        root="00" * 32,
        declaration_id="xbd_a",
        salt="s",
        trouble=0,
        with_list=False,
    )
    assert (calm.points, calm.looks) == (0, False)
