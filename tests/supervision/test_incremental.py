"""What a state spares is spared, and never changes a byte of the report."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.expr import operations as ops

from supervision import incremental, layers
from supervision.apart import ROWS_APART
from supervision.context import Context, Mode
from supervision.errors import UnusableEvidence
from supervision.kept import with_kept
from supervision.plan import expressions, unbound_tables
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import carry_out
from supervision.shares import UNDERTAKINGS
from supervision.trades import MADE
from tests.supervision.tables import AS_OF, Market, on, plan_of

APART = tuple(rule.rule_id for rule in ALL if rule.apart)
OTHERS = ("AML24-1", "WT2", "PRICE_CAP", "WT4", "WT6", "S30D", "BR4", "S13", "UC5", "S4", "FAIR_PRICE")
SOME = (*APART, "S27", "UC1", "AML24-1", "S4", "WT4")
MANY = (*APART, *ROWS_APART, *OTHERS)
DAYS = (on(3, 1), on(6, 1), on(9, 1), AS_OF)
STATUSES = ("SETTLED", "SETTLED", "REFUNDED", "CANCELLED")


def one_trade(market, n, chance):
    """A trade that may be a self-trade, out of order, ill paid, or without mandate and check."""
    seller, buyer = chance.choice("abcd"), chance.choice("abcd")
    at = on(1, 2) + timedelta(hours=chance.randrange(24 * 300))
    amount = chance.randrange(1, 50) * 100
    market.trade(
        f"t{n}", seller, buyer, amount, at,
        broker_id=chance.choice([None, "k"]), commission_minor=chance.choice([0, amount // 20, amount // 10]),
        status=chance.choice(STATUSES), unit=chance.choice(["set", "call"]),
        delivered_at=at + timedelta(days=chance.choice([-1, 1, 90])),
    )  # fmt: skip
    for purpose, payer, payee in (("escrow_in", buyer, "ESCROW"), ("seller_share", "ESCROW", seller)):
        paid = at + timedelta(days=chance.randrange(5))
        market.add("payments", payment_id=f"p{n}{purpose}", trade_id=f"t{n}", payer_id=payer, payee_id=payee)
        market.rows["payments"][-1] |= {"amount_minor": amount, "paid_at": paid, "purpose": purpose, "seq": 8}
    if chance.random() < 0.5:
        market.used(f"t{n}", (at + timedelta(days=2)).date(), calls=chance.randrange(3))
    if chance.random() < 0.5:
        market.add("source_checks", trade_id=f"t{n}", broker_id="k", at=at - timedelta(hours=1), seq=7)
    if chance.random() < 0.5:
        market.add(
            "access", trade_id=f"t{n}", org_id=buyer, at=at + timedelta(days=chance.randrange(9)), seq=7
        )
    if chance.random() < 0.2:
        market.add("trade_events", trade_id=f"x{n}", event="TRD.DELIVERED", at=at, actor=seller, seq=7)


def new_market(chance, trades):
    tables = ("orgs", "trades", "payments", "usage", "mandates", "source_checks", "trade_events", "flags")
    market = Market(*tables, "listings", "fee_caps", "access", "holdings")
    for org in "abcdk":
        market.org(org, "A" if org in "ab" else None)
    for n in range(trades):
        one_trade(market, n, chance)
    market.add(
        "mandates", mandate_id="m", broker_id="k", client_id="a", signed_at=on(2, 1), ends_at=on(12, 1)
    )
    return market


def next_day(market, chance):
    """Rows come late, are corrected, go; are flagged."""
    for n in range(chance.randrange(3)):
        one_trade(market, f"{len(market.rows['trades'])}-{n}-{chance.randrange(10**6)}", chance)
    table = chance.choice(["trades", "payments", "usage", "source_checks", "trade_events"])
    rows = market.rows[table]
    if rows:
        at = chance.randrange(len(rows))
        if chance.random() < 0.5:
            del rows[at]
        else:
            rows[at] = rows[at] | {"seq": chance.randrange(10**6), "trade_id": rows[at]["trade_id"]}
    if table == "trades" and chance.random() < 0.5 and rows:
        rows[0] = rows[0] | {"status": chance.choice(STATUSES), "buyer_id": chance.choice("abcd")}
    next_day_beside(market, chance)


def next_day_beside(market, chance):
    """What lies beside the trades changes now and then."""
    if chance.random() < 0.1:
        market.rows["orgs"][chance.randrange(3)]["controller_id"] = chance.choice("AXY")
    if chance.random() < 0.1:
        market.org(f"n{chance.randrange(10**6)}")
    if chance.random() < 0.2:
        named = {
            "listing_id": f"lst-{chance.choice('abcd')}",
            "product_type": chance.choice(["FILE", "COMPUTE"]),
        }
        rows = market.rows["listings"]
        rows[:] = [row for row in rows if row["listing_id"] != named["listing_id"]] + [named]
    if chance.random() < 0.2 and market.rows["trades"]:
        market.add(
            "flags", trade_id=chance.choice(market.rows["trades"])["trade_id"], case_id="c", from_seq=9
        )
    if chance.random() < 0.1:
        market.add("mandates", mandate_id=f"m{chance.randrange(99)}", broker_id="k", client_id="b", seq=1)
    if chance.random() < 0.05:
        market.rows["payments"].append({"payment_id": "stray", "trade_id": None, "purpose": "escrow_in"})


@pytest.fixture(autouse=True)
def _in_layers(monkeypatch):
    """As of a large market: what is kept is no file that is written anew each day."""
    monkeypatch.setattr(layers, "_LESS_THAN", 0)
    monkeypatch.setattr(layers, "_GONE_AT_MOST", 3)
    monkeypatch.setattr(layers, "_MOST", 3)


def check(tmp_path, seed, days, only=SOME):
    chance = random.Random(seed)
    market, state = new_market(chance, 25), tmp_path / "state"
    spared = []
    for day in range(days):
        folder = market.write(tmp_path / f"day-{day}", shuffle=lambda rows: chance.sample(rows, len(rows)))
        plan = plan_of(chance.choice(DAYS) if day % 3 == 2 else DAYS[3], Mode.TOP_K, only)
        found = carry_out(plan, folder, state=state)
        assert found.encoded() == carry_out(plan, folder).encoded(), (seed, day)
        spared.append(found.looked_at)
        next_day(market, chance)
    return spared


def test_a_day_with_a_state_is_the_day_without(tmp_path):
    spared = check(tmp_path, 3, 4)
    assert set(spared[0].values()) == {None}
    assert any(count is not None and 0 < count < 25 for count in spared[1].values())


@pytest.mark.soak
@given(st.integers(0, 10**9))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_days_with_a_state_are_those_without(tmp_path_factory, seed):
    check(tmp_path_factory.mktemp("days"), seed, 6, MANY)


def test_what_did_not_change_is_not_looked_at(tmp_path):
    market, state = new_market(random.Random(1), 25), tmp_path / "state"
    plan = plan_of(AS_OF, Mode.TOP_K, SOME)
    for day in range(2):
        first = carry_out(
            plan, market.write(tmp_path / f"{day}", shuffle=lambda rows: rows[::-1]), state=state
        )
    assert set(first.looked_at.values()) == {0}
    market.trade("new", "a", "b", 100)
    found = carry_out(plan, market.write(tmp_path / "2"), state=state)
    assert {rule_id: found.looked_at[rule_id] for rule_id in APART} == dict.fromkeys(APART, 1)
    kept = ("made", "hardly_used", "paid_in_cells", "S27")
    assert {name: found.looked_at[name] for name in kept} == dict.fromkeys(kept, 1)
    assert found.looked_at["AML24-1"] is None
    assert found.encoded() == carry_out(plan, tmp_path / "2").encoded()


def test_a_holder_under_another_controller_is_looked_at_and_a_stranger_is_not(tmp_path):
    market, state = Market("orgs", "holdings", "trades").trade("t", "a", "b", 100), tmp_path / "state"
    for holder, held, share in (("p", "a", "0.125"), ("q", "a", "0.125"), ("q", "b", "0.25")):
        market.add("holdings", holder_id=holder, held_id=held, share=Decimal(share))
    plan, looked = plan_of(AS_OF, Mode.TOP_K, ("WT1",)), []
    for day, (org, controller) in enumerate((("p", "P"), ("q", "Q"), ("s", "P"), ("q", "P"))):
        market.rows["orgs"] = [row for row in market.rows["orgs"] if row["org_id"] != org]
        folder = market.org(org, controller).write(tmp_path / f"{day}")
        found = carry_out(plan, folder, state=state)
        assert found.encoded() == carry_out(plan, folder).encoded()
        looked.append((found.looked_at["WT1"], len(found.findings)))
    assert looked == [(None, 0), (None, 0), (0, 0), (None, 1)]


DAMAGES = {
    "a finding changed": lambda state: spoil(max(state.glob("*.kept"), key=lambda path: path.stat().st_size)),
    "a file gone": lambda state: next(state.glob("*.kept")).unlink(),
    "the head changed": lambda state: spoil(state / "state.json"),
    "the head cut off": lambda state: (state / "state.json").write_bytes(b'{"format":1'),
    "the head of nothing": lambda state: (state / "state.json").write_bytes(b"[]"),
}


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_made_anew_and_not_believed(tmp_path, damage):
    market, state = new_market(random.Random(2), 9), tmp_path / "state"
    plan = plan_of(AS_OF, Mode.TOP_K, ("WT1", "S30"))
    folder = market.write(tmp_path / "evidence")
    expected = carry_out(plan, folder, state=state).encoded()
    DAMAGES[damage](state)
    again = carry_out(plan, folder, state=state)
    assert (again.encoded(), set(again.looked_at.values())) == (expected, {None})
    assert set(carry_out(plan, folder, state=state).looked_at.values()) == {0}


def test_another_code_tells_anew(tmp_path, monkeypatch):
    market, state = new_market(random.Random(2), 9), tmp_path / "state"
    plan = plan_of(AS_OF, Mode.TOP_K, ("WT1", "S30"))
    folder = market.write(tmp_path / "evidence")
    carry_out(plan, folder, state=state)
    monkeypatch.setattr(incremental, "_code", lambda: "another")
    assert set(carry_out(plan, folder, state=state).looked_at.values()) == {None}


def test_a_folder_of_something_else_or_of_a_later_version_is_refused(tmp_path):
    folder = new_market(random.Random(2), 3).write(tmp_path / "evidence")
    plan = plan_of(AS_OF, Mode.TOP_K, ("WT1", "S30"))
    with pytest.raises(UnusableEvidence, match="is no state of supervise"):
        carry_out(plan, folder, state=folder)
    later = tmp_path / "later"
    later.mkdir()
    (later / "state.json").write_bytes(b'{"format":3,"state":{}}')
    with pytest.raises(UnusableEvidence, match="later version"):
        carry_out(plan, folder, state=later)
    assert (later / "state.json").read_bytes() == b'{"format":3,"state":{}}'


def test_a_rule_reads_no_table_that_it_does_not_name():
    context = Context(as_of=AS_OF, rules=in_force(AS_OF))
    # S16 looks at the legs of WT2, of which those of other products in a family change no segment of one,
    # S19 at the own trades of BR5, of which those of brokers without an order change nothing
    beside = {"S16": {"lineage"}, "S19": {"mandates", "certificates"}}
    written, (_, kept) = expressions(context), with_kept(unbound_tables(), context)
    for rule in ALL:
        read, asked = set(), [written[rule.rule_id]]
        while asked:
            named = {table.name for table in asked.pop().op().find(ops.UnboundTable)} - read
            read |= named
            asked += [kept[name] for name in named & kept.keys() - {MADE, UNDERTAKINGS, *rule.beside}]
        named = {*rule.needs, *rule.uses} | beside.get(rule.rule_id, set())
        assert read - kept.keys() <= {*named, "trades", "orgs", "flags"}, rule.rule_id
        if rule.apart:  # the groups of its trades are in `made`; beside that it knows no organisation
            assert not read & {"orgs", "flags", UNDERTAKINGS}, rule.rule_id
            assert {*rule.apart} <= named, rule.rule_id


def test_another_table_of_working_days_tells_anew(monkeypatch):
    def version(name):
        return "0" if name == "chinesecalendar" else known(name)

    known, before = incremental.metadata.version, incremental._code.__wrapped__()
    monkeypatch.setattr(incremental.metadata, "version", version)
    assert incremental._code.__wrapped__() != before
