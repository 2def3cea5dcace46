"""A market with one certified broker, `broker`, and what it mediates: good evidence to spoil."""

from datetime import timedelta

from tests.supervision.tables import Market, on

TRADED = on(6, 1)
TABLES = (
    *("orgs", "holdings", "trades", "mandates", "quotes", "payments", "certificates", "certificate_events"),
    *("fee_caps", "lineage", "trade_events", "conflict_consents", "source_checks", "access", "listings"),
)


def brokered(rule_id, **trade):
    """One mediated trade of 680 000 yuan with 2 %, covered by the seller's mandate."""
    market = Market(*TABLES)
    market.only = (rule_id,)
    market.org("seller").org("buyer").org("broker").org("rival")
    mandate(market, "m", "seller", side="PROVIDER")
    return mediate(market, "t", **trade)


def mediate(market, trade_id, seller="seller", buyer="buyer", **trade):
    known = {"broker_id": "broker", "commission_minor": 1_360_000} | trade
    return market.trade(
        trade_id, seller, buyer, known.pop("amount", 68_000_000), known.pop("at", TRADED), **known
    )


def mandate(market, mandate_id, client, **changes):
    said = {
        "mandate_id": mandate_id,
        "broker_id": "broker",
        "client_id": client,
        "signed_at": on(5, 1),
        "ends_at": on(12, 31),
        "fee_bp": 200,
        "conflict_disclosed": False,
        "dual_consent": False,
        "seq": 100 + len(market.rows["mandates"]),
    }
    return market.add("mandates", **(said | changes))


def change(market, table, **values):
    """Spoil the last row of a table."""
    market.rows[table][-1] |= values
    return market


SECOND = timedelta(seconds=1)
