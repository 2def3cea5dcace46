"""A clean market: honest trades only, with the tables rules ask for. What is found here is one too many."""

import random
from datetime import timedelta

from tests.supervision.tables import Market, on

SELLERS, BUYERS, MARKETS, BROKERS = 600, 1_500, 25, 20
OPENED = on(1, 1, year=2025)


def clean_market(trades, seed=1):
    """So many honest trades of one year: many sellers of a like size, each with its own products and buyers.

    Prices lie around each market's own with a tenth of spread and are no price list; every file is looked
    at for hours or days and used; the money is what the contract says; brokers have their papers.
    """
    chance = random.Random(seed)
    market = Market(
        *("orgs", "flags", "trades", "usage", "payments", "listings", "requests", "quotes", "listing_views"),
        *("costs", "exports", "export_persons", "export_transfers", "concentrations", "holdings"),
        *("payment_mismatches", "export_scans", "mark_hits", "conflict_consents", "fee_caps", "undertakings"),
    )
    market.rows["holdings"].append({"holder_id": "b0", "held_id": "s0", "share": None})
    for n in range(SELLERS):
        market.org(f"s{n}", region=f"r{n % 7}")
        _listing(market, n)
    for n in range(BUYERS):
        market.org(f"b{n}", region=f"r{n % 9}")
    for n in range(BROKERS):
        _broker(market, n)
    _around(market, chance)
    for n in range(trades):
        _trade(market, n, chance)
    return market


def _broker(market, n):
    """A broker with a certificate, its yearly report, mandates of its sellers, and notices in time."""
    broker, cert = f"k{n}", {"cert_id": f"x{n}"}
    market.org(broker)
    known = {"sectors": ["*"], "max_level": "general-4", "valid_from": OPENED, "cross_border": False}
    market.add("certificates", org_id=broker, valid_to=on(12, 31, year=2028), **cert, **known)
    market.add("certificate_events", at=OPENED, event="certified", seq=1, **cert)
    market.add("certificate_events", at=on(3, 10), event="annual_report", year=2025, seq=2, **cert)
    told = {"org_id": broker, "told_at": on(5, 6)}
    market.add("notices", notice_id=f"a{n}", kind="suspicion", noticed_at=on(5, 5, 12), **told)
    market.add("notices", notice_id=f"c{n}", kind="change", takes_effect_at=on(6, 6), **told)
    for seller in range(n, SELLERS, BROKERS):
        market.add(
            "mandates",
            mandate_id=f"m{seller}",
            broker_id=broker,
            client_id=f"s{seller}",
            signed_at=OPENED,
            ends_at=on(12, 31, year=2028),
            fee_bp=200,
            conflict_disclosed=True,
            dual_consent=True,
            side="PROVIDER",
            seq=3,
        )
    for sent in range(30):  # what it sends is the neutral order
        for place in range(6):
            seller = (7 * sent + place) % SELLERS
            market.add(
                "ranking",
                presentation_id=f"v{n}.{sent}",
                broker_id=broker,
                client_id=f"b{sent}",
                listing_id=f"l{seller}",
                seller_id=f"s{seller}",
                neutral_rank=place + 1,
                sent_rank=place + 1 if place < 3 else None,
                sent_at=on(4, 1 + sent % 28),
                seq=4,
            )


def _around(market, chance):
    """What others report of an honest market: grants, reviews, sketches, marks, texts, members' traces."""
    for n in range(60):
        market.add(
            "grants",
            grant_id=f"g{n}",
            authority_id=f"a{n % 5}",
            operator_id=f"s{n}",
            selection_method="direct" if n % 20 == 0 else "open_tender",
            exception="national-security" if n % 20 == 0 else None,
            conditions=["mlps_3"],
            granted_at=on(3, 1 + n % 28, year=2025),
            active_at=on(4, 1, year=2025),
            ends_at=on(3, 31, year=2028),
        )
        _operated(market, chance, {"grant_id": f"g{n}", "operator_id": f"s{n}", "authority_id": f"a{n % 5}"})
        market.add(
            "share_requests",
            request_id=f"q{n}",
            authority_id=f"a{n % 5}",
            dataset_id=f"d{n // 6}",
            applicant_id=f"b{n}",
            asked_at=on(3, 1 + n % 28),
            outcome="granted" if n % 6 < 4 else "refused",
        )
    for n in range(SELLERS):
        screened = {"listing_id": f"l{n}", "product_id": f"p{n}", "seller_id": f"s{n}", "seq": n}
        if n % 9 == 0:
            market.add("screenings", at=OPENED, outcome="failed", reasons=["NL4-no-consent"], **screened)
        market.add("screenings", at=OPENED + timedelta(days=9), outcome="passed", reasons=[], **screened)
        market.add("sketches", listing_id=f"l{n}", minhash=[f"{chance.randrange(10**12)}" for _ in range(32)])
        market.add("watermarks", mark_sha256=f"w{n}", product_id=f"p{n}", issued_at=OPENED)
        market.add("lineage", product_id=f"p{n}", source_product_id=f"raw{n}")
        market.add("identifiers", org_id=f"s{n}", kind="device", value_sha256=f"v{n}")
        market.add("identifiers", org_id=f"s{n}", kind="contact", value_sha256=f"office{n % 7}")
        market.add("texts", text_id=f"x{n}", author_id=f"s{n}", written_at=on(5, 1))
        market.rows["texts"][-1] |= {"about_id": f"s{(n + MARKETS) % SELLERS}", "text": "更新及时，字段齐全"}
        met = {"matter": "answer", "owed_by": f"s{n}", "due_at": on(5, 9), "met_at": on(5, 9 - n % 5)}
        market.add("clocks", object_id=f"o{n}", seq=n, met_seq=n + 1, **met)
    for n in range(BUYERS):
        _asked(market, chance, n)
        review = {"review_id": f"r{n}", "listing_id": f"l{n % SELLERS}", "reviewer_id": f"b{n}", "rating": 4}
        market.add("reviews", written_at=on(1 + n % 10, 1 + n % 28, n % 24), **review)


def _operated(market, chance, grant):
    """Public data as it was granted: a year told in time, one scenario, uses inside of it, a product."""
    n = grant["grant_id"]
    about = {name: grant[name] for name in ("grant_id", "authority_id", "operator_id")}
    told = {"disclosed_at": on(3, 30), "reported_at": on(3, 31, 15)}
    sums = {"permitted_minor": 10_000_000, "actual_minor": 10_000_000 + chance.randrange(-(10**6), 10**6 + 1)}
    market.add("grant_years", year=2025, off_exchange_minor=0, **sums, **told, **about)
    scenario = {"grant_id": n, "scenario_id": f"sc-{n}", "purpose": "普惠金融", "environment": "tee"}
    fields, users = [f"{n}.tax", f"{n}.months"], ["b1", "b2"]
    days = {"starts": on(4, 1, year=2025).date(), "ends": on(3, 31, year=2028).date()}
    market.add("grant_scenarios", approved_at=OPENED, fields=fields, users=users, **days, **scenario)
    for use in range(20):
        used = {"use_id": f"u{use}-{n}", "operator_id": about["operator_id"], "user_id": users[use % 2]}
        at = on(1 + use % 10, 1 + use)
        market.add("grant_uses", fields=fields[: 1 + use % 2], calls=9, used_at=at, **used, **scenario)
    made = {"grant_id": n, "product_id": f"of-{n}", "scenario_id": f"sc-{n}", "added_at": on(5, 1, year=2025)}
    market.add("grant_products", product_class="API", **made)
    market.add("grant_caps", grant_id=n, product_id=f"of-{n}", cap_minor=8_000, from_at=on(5, 1, year=2025))


def _asked(market, chance, n):
    """A buyer's questions to a table that may not leave, and its use of an asset certificate."""
    right = {
        "trade_id": f"t{n}",
        "entitlement_id": f"e{n}",
        "org_id": f"b{n}",
        "product_id": f"p{n % SELLERS}",
    }
    market.add("questions", event="approved", at=on(4, 1), algorithm_sha256=f"a{n}", **right)
    for k in range(12):
        shape = {"shape_sha256": f"shape{chance.randrange(9)}", "form_sha256": f"query{n}.{k}"}
        market.add("questions", event="asked", at=on(4, 2 + k // 4, k), epsilon_micro=10**5, **shape, **right)
    if n % 50 == 0:
        spent = right | {"product_id": None, "trade_id": None}
        market.add("questions", event="refused", code="privacy-budget-spent", at=on(4, 20), **spent)
    known = {"voucher_id": f"v{n}", "user_id": f"b{n}", "by_id": f"b{n}", "purpose": "CREDIT_APPROVAL"}
    refused = {"outcome": "refused", "code": "voucher-expired"} if n % 40 == 0 else {"outcome": "verified"}
    market.add("voucher_uses", asked_purpose="CREDIT_APPROVAL", at=on(6, 1), **refused, **known)


def _listing(market, n):
    market.add(
        "listings",
        listing_id=f"l{n}",
        seller_id=f"s{n}",
        product_id=f"p{n}",
        category=f"c{n % MARKETS}",
        geo="nationwide",
        product_type="FILE",
        list_price_minor=_price(n) * 2,
        cap_minor=_price(n) * 3 if n % 10 == 0 else None,
        public_data=n % 10 == 0,
        listed_at=on(1, 1, year=2025),
        seq=n,
    )


def _price(n):
    return 100_000 + 40_000 * (n % MARKETS)


def _trade(market, n, chance):
    seller, buyer = chance.randrange(SELLERS), f"b{chance.randrange(BUYERS)}"
    at = on(11, 22, year=2025) + timedelta(minutes=chance.randrange(360 * 24 * 60))
    quantity = chance.choice((1, 1, 1, 2, 5))
    amount = quantity * round(_price(seller) * chance.uniform(0.94, 1.06))
    fee = amount // 100
    broker = f"k{seller % BROKERS}" if chance.random() < 0.3 else None
    commission = amount // 50 if broker else 0
    delivered = at + timedelta(hours=chance.randrange(1, 40))
    accepted = delivered + timedelta(minutes=chance.randrange(30, 5_000))
    settled = accepted + timedelta(days=1)
    market.trade(
        f"t{n}",
        f"s{seller}",
        buyer,
        amount,
        at,
        category=f"c{seller % MARKETS}",
        quantity=quantity,
        platform_fee_minor=fee,
        broker_id=broker,
        commission_minor=commission,
        listing_id=f"l{seller}",
        product_id=f"p{seller}",
        delivered_at=delivered,
        accepted_at=accepted,
        settled_at=settled,
    )
    market.used(f"t{n}", delivered.date(), calls=chance.randrange(50), bytes=chance.randrange(10**9))
    day = {"trade_id": f"t{n}", "seq": None}
    _records(market, n, broker, (buyer, at, delivered))
    for purpose, payer, payee, part, paid in (
        ("escrow_in", buyer, "ESCROW", amount, at + timedelta(minutes=20)),
        ("seller_share", "ESCROW", f"s{seller}", amount - fee - commission, settled),
        ("platform_fee", "ESCROW", "operator", fee, settled),
        ("commission", "ESCROW", broker, commission, settled),
    ):
        if purpose == "commission" and not broker:
            continue
        market.add(
            "payments",
            payment_id=f"{n}-{purpose}",
            payer_id=payer,
            payee_id=payee,
            amount_minor=part,
            paid_at=paid,
            purpose=purpose,
            **day,
        )
    if n % 3 == 0:
        market.add(
            "requests",
            request_id=f"t{n}",
            listing_id=f"l{seller}",
            seller_id=f"s{seller}",
            buyer_id=buyer,
            buyer_qualified=True,
            asked_at=at - timedelta(days=2),
            answered_at=at - timedelta(days=1),
            outcome="offered",
            seq=n,
        )
    if n % 5 == 0:
        _tender(market, n, seller, chance, at)


def _records(market, n, broker, about):
    """What a trade leaves elsewhere: who took the data, the broker's check, a gateway's day, its clauses."""
    buyer, at, delivered = about
    trade = {"trade_id": f"t{n}", "seq": n}
    market.add("access", entitlement_id=f"e{n}", org_id=buyer, at=delivered, bytes=10**6, **trade)
    if broker:
        checked = at - timedelta(hours=1)
        keep = checked.replace(year=checked.year + 21, day=1)
        market.add("source_checks", broker_id=broker, at=checked, keep_until=keep, **trade)
    if n % 10 == 0:
        used = {"day": delivered.date(), **trade}
        market.add("retrievals", calls=800, distinct_keys=500, in_sequence=90, **used)
        market.add("throttling", asked=800, refused=3, **used)
        market.add("clauses", clause_id=f"z{n}", kind="confidentiality", text="双方应当保密", **trade)


def _tender(market, n, seller, chance, at):
    """Rivals of one market bid for a buyer's need, each with its own costs."""
    rivals = [seller % MARKETS + MARKETS * k for k in chance.sample(range(SELLERS // MARKETS), 4)]
    for rival in rivals:
        market.add(
            "quotes",
            quote_id=f"q{n}-{rival}",
            tender_id=f"tender{n}",
            listing_id=f"l{rival}",
            seller_id=f"s{rival}",
            buyer_id=f"b{n % BUYERS}",
            quoted_at=at - timedelta(hours=chance.randrange(48)),
            price_minor=round(_price(rival) * chance.uniform(0.75, 1.25)),
            quantity=1,
            unit="set",
            seq=n,
        )
        market.add("bid_traces", quote_id=f"q{n}-{rival}", kind="device", value_sha256=f"dev{rival}")
