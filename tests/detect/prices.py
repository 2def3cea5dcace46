"""Planted prices: far from comparable sales by one fen too many, or by none."""

from tests.detect.planted import plants


@plants("FAIR_PRICE", "listings", screen=True)
def far_from_comparable_sales(market, tag, guilty, chance):
    # Five around a middle, two steps apart: the deviation is one step, three scaled ones are 4.4478 steps.
    step = 10_000 * chance.randrange(1, 90)
    middle = 5_000 * step if chance.random() < 0.5 else 10 * step
    limit = min(44_478 * step // 10_000, middle - 1)
    prices = [middle + step * place for place in (-2, -1, 0, 1, 2)]
    way = chance.choice((1, -1))
    if chance.random() < 0.3:  # wide prices: twice the middle, or a fen less
        prices = [middle * tenth // 10 for tenth in (2, 6, 10, 14, 18)]
        asked = 2 * middle - (0 if guilty else 1)
    else:
        asked = middle + way * (limit + (1 if guilty else 0))
    for n, price in enumerate([*prices, asked]):
        name = f"{n}-{tag}"
        market.org(f"s{name}").org(f"b{name}")
        market.add(
            "listings",
            listing_id=f"l{name}",
            seller_id=f"s{name}",
            product_type="FILE",
            level="2",
            category=tag,
        )
        market.trade(f"t{name}", f"s{name}", f"b{name}", price, listing_id=f"l{name}", category=tag)
