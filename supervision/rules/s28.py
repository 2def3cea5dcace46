"""S28: one hand behind many members: accounts that share a device, a bank account or a contact.

`identifiers` are digests of what members log in from, are paid by and are reached at. Two organisations of
different controllers that share one are linked; what twenty share is a service's (an office building, an
agency) and links nobody. Found is a connected set of three undertakings and more of which at least two have
traded with one counterparty alone. A screen; who controls whom is for people to find.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import ibis
import networkx as nx

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.trades import made

_LINKING: Final = ("device", "bank_account", "bank", "contact", "phone", "email")


def expression(tables: Tables, context: Context) -> Any:
    """Members with what they share, and how many counterparties each has had in how many trades."""
    ids = tables["identifiers"].select("org_id", "kind", "value_sha256", "seq")
    ids = ids.mutate(kind=ids.kind.fill_null("").lower())
    ids = ids.filter(ids.kind.isin(_LINKING), ids.value_sha256.nullif("").notnull())
    ids = ids.left_join(groups(tables), [("org_id", "org")]).drop("org")
    ids = ids.mutate(group=ibis.coalesce(ids.group, ids.org_id))
    shared = ids.group_by("kind", "value_sha256").agg(by=ids.group.nunique())
    shared = shared.filter(shared.by > 1, shared.by < context.rules.whole("S28", "service_from"))
    ids = ids.semi_join(shared, ["kind", "value_sha256"])
    trades = made(tables, context)
    sides = ibis.union(
        trades.select("seq", "made_at", trading="seller_group", other="buyer_group", trader="seller_id"),
        trades.select("seq", "made_at", trading="buyer_group", other="seller_group", trader="buyer_id"),
        distinct=False,
    )
    sides = sides.filter(sides.trading != sides.other)
    sides = sides.semi_join(ids, [("trading", "group")])
    traded = sides.group_by("trading").agg(
        trades=sides.count(),
        partners=sides.other.nunique(),
        partner=sides.other.min(),
        first_at=sides.made_at.min(),
        last_at=sides.made_at.max(),
    )
    ids = ids.left_join(traded, [("group", "trading")]).drop("trading")
    return ids.order_by("group", "org_id", "kind", "value_sha256", "seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a connected set."""
    members: defaultdict[str, list[Row]] = defaultdict(list)
    graph = nx.Graph()
    for row in rows:
        members[row["group"]].append(row)
        graph.add_edge(("group", row["group"]), (row["kind"], row["value_sha256"]))
    sets = [sorted(name for kind, name in part if kind == "group") for part in nx.connected_components(graph)]
    for linked in sorted(sets):
        partners: defaultdict[str, list[str]] = defaultdict(list)
        for group in linked:
            if members[group][0]["partners"] == 1:
                partners[members[group][0]["partner"]].append(group)
        most = max(partners.items(), key=lambda item: (len(item[1]), item[0]), default=("", []))
        enough = len(most[1]) >= context.rules.whole("S28", "one_partner_from")
        if enough and len(linked) >= context.rules.whole("S28", "undertakings_from"):
            yield _finding([row for group in linked for row in members[group]], most, context)


def _finding(rows: Sequence[Row], most: tuple[str, Sequence[str]], context: Context) -> Finding:
    times = [row[name] for row in rows for name in ("first_at", "last_at") if row[name] is not None]
    shared = sorted({(row["kind"], row["value_sha256"]) for row in rows})
    return tell(
        "S28",
        context,
        zh="涉嫌多账户受同一人操纵（线索）",
        en="suspected one hand behind several members, a clue only",
        screen=True,
        window=(min(times), max(times)),
        subjects=(row["org_id"] for row in rows),
        statistic={
            "undertakings": len({row["group"] for row in rows}),
            "shared": [{"kind": kind, "value_sha256": value} for kind, value in shared],
            "only_partner": most[0],
            "trade_with_it_alone": list(most[1]),
        },
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("shared-office", "共用办公场所", "a shared office"),
            because("agency", "代理机构或公共服务", "an agency or a public service", Checked.RULED_OUT),
            because("group", "已申报的集团", "a group that is declared", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S28",
    needs={
        "identifiers": ("org_id", "kind", "value_sha256"),
        "trades": ("trade_id", "seller_id", "buyer_id", "agreed_at"),
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
