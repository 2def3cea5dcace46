"""Evidence tables made by hand: a few facts a row, the rest of the columns as they would be."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from supervision.arrow import arrow_schema
from supervision.context import Context, Mode
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import Supervision, carry_out
from supervision.schema import TABLES, Kind

AS_OF = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
CATEGORY = "transport"
GEO = "nationwide"


def on(month, day, hour=0, *, year=2026):
    return datetime(year, month, day, hour, tzinfo=UTC)


@cache
def plan_of(as_of, mode=Mode.TOP_K, only=()):
    """The plan of some rules, by default all of them: written once for the whole suite."""
    rules = tuple(rule for rule in ALL if rule.rule_id in only) or ALL
    return make_plan(Context(as_of=as_of, rules=in_force(as_of), mode=mode), rules)


class Market:
    """Tables under construction. `present` are written even when empty."""

    def __init__(self, *present):
        self.rows = defaultdict(list)
        for name in present or ("orgs", "flags", "trades", "usage"):
            self.rows[name] = []
        self.as_of = AS_OF
        self.only = ()  # rule ids; none: all rules

    def add(self, table, **values):
        assert values.keys() <= TABLES[table].keys(), values
        self.rows[table].append(values)
        return self

    def org(self, org_id, controller_id=None, **more):
        return self.add(
            "orgs", org_id=org_id, name=org_id, controller_id=controller_id or f"c-{org_id}", **more
        )

    def trade(self, trade_id, seller, buyer, amount, at=None, **more):
        at = at or on(6, 1)
        values = {
            "trade_id": trade_id,
            "listing_id": f"lst-{seller}",
            "product_id": f"prd-{seller}",
            "seller_id": seller,
            "buyer_id": buyer,
            "category": CATEGORY,
            "geo": GEO,
            "quantity": 1,
            "unit": "set",
            "amount_minor": amount,
            "commission_minor": 0,
            "platform_fee_minor": 0,
            "agreed_at": at,
            "delivered_at": at + timedelta(days=1),
            "accepted_at": at + timedelta(days=2),
            "settled_at": at + timedelta(days=3),
            "status": "SETTLED",
            "seq": 1000 + len(self.rows["trades"]),
        }
        return self.add("trades", **(values | more))

    def used(self, trade_id, day, **counts):
        return self.add("usage", trade_id=trade_id, day=day, **({"downloads": 1} | counts))

    def write(self, folder: Path, *, form="parquet", shuffle=None):
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self.rows.items():
            ordered = shuffle(rows) if shuffle else rows
            if form == "parquet":
                pq.write_table(
                    pa.Table.from_pylist(ordered, schema=arrow_schema(TABLES[name])),
                    folder / f"{name}.parquet",
                )
            else:
                write_csv(folder / f"{name}.csv", name, ordered)
        return folder

    def supervise(self, tmp_path, *, mode=Mode.TOP_K, as_of=None, **how) -> Supervision:
        folder = self.write(tmp_path / f"evidence-{len(list(tmp_path.iterdir()))}", **how)
        return carry_out(plan_of(as_of or self.as_of, mode, self.only), folder)


def write_csv(path, name, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(TABLES[name]))
        writer.writeheader()
        for row in rows:
            writer.writerow({column: text(row.get(column), kind) for column, kind in TABLES[name].items()})


def text(value, kind):
    if value is None:
        return ""
    if kind is Kind.LIST:
        return "|".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def of_rule(result: Supervision, rule_id):
    return [finding for finding in result.findings if finding.rule_id == rule_id]


def objects_of(result: Supervision, rule_id):
    return sorted(finding.objects for finding in of_rule(result, rule_id))
