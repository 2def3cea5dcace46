"""Planted cases of data that may be used and not seen: questions alike or swapped, false anonymity."""

from datetime import timedelta

from tests.detect.planted import plants
from tests.supervision.tables import AS_OF, on

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def asked(market, tag, n, at, **more):
    known = {"form_sha256": f"q{n}-{tag}", "shape_sha256": f"s-{tag}", "event": "asked", "at": at}
    known |= {"trade_id": f"t-{tag}", "entitlement_id": f"e-{tag}", "org_id": f"b-{tag}"}
    market.add("questions", **(known | {"product_id": f"p-{tag}", "epsilon_micro": 1_000, "seq": n} | more))


@plants("PC_DIFFERENCING", "questions", screen=True)
def nearly_alike(market, tag, guilty, chance):
    at, kind = on(chance.randrange(2, 10), 3), chance.randrange(5)
    many = 20 if kind < 3 else 5
    for n in range(many):
        last = n == many - 1
        more = {}
        if not guilty and last and kind == 0:  # the same question again
            more = {"form_sha256": f"q0-{tag}"}
        elif not guilty and last and kind == 1:  # of other columns
            more = {"shape_sha256": f"other-{tag}"}
        late = SECOND if not guilty and last and kind == 2 else timedelta(0)
        asked(market, tag, n, at + DAY * n / (many - 1) + late, **more)
    if kind > 2:
        code = "question-refused" if not guilty and kind == 3 else "privacy-budget-spent"
        late = SECOND if not guilty and kind == 4 else timedelta(0)
        nothing = dict.fromkeys(("product_id", "trade_id", "form_sha256", "shape_sha256", "epsilon_micro"))
        asked(market, tag, 99, at + DAY + late, event="refused", code=code, **nothing)


@plants("PC_ALGO_SWAP", "questions", screen=True)
def swapped(market, tag, guilty, chance):
    at, kind = on(chance.randrange(2, 10), 3), chance.randrange(3)
    nothing = dict.fromkeys(("product_id", "form_sha256", "shape_sha256", "epsilon_micro"))
    right = f"{'e' if guilty or kind != 1 else 'other'}-{tag}"  # another right's approval
    late = SECOND if not guilty and kind == 2 else timedelta(0)  # approved after it was tried
    if kind:
        asked(market, tag, 1, at + late, event="approved", **(nothing | {"entitlement_id": right}))
    code = "algorithm-not-approved" if kind or not guilty else "algorithm-changed"
    asked(market, tag, 2, at, event="refused", code=code, **nothing)


@plants("PI_NOT_ANONYMISED", "screenings")
def not_anonymous(market, tag, guilty, chance):
    at, kind = on(chance.randrange(2, 10), 3), chance.randrange(3)
    market.org(f"a-{tag}").org(f"b-{tag}")
    reasons = ["NL4-undeclared-mobile", "NL4-not-anonymised"]
    if not guilty:
        reasons = (["NL4-no-consent"], [], reasons)[kind]
        at = AS_OF + SECOND if kind == 2 else at
    known = {"listing_id": f"l-{tag}", "product_id": f"p-{tag}", "seller_id": f"a-{tag}", "at": at}
    market.add("screenings", outcome="failed" if reasons else "passed", reasons=reasons, seq=7, **known)
    if chance.random() < 0.5:
        sold = {"listing_id": f"m-{tag}", "product_id": f"p-{tag}", "category": f"c-{tag}"}
        market.trade(f"t-{tag}", f"a-{tag}", f"b-{tag}", 36_000_000, on(10, 9), **sold)
