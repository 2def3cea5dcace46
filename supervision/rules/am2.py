"""AM2: an authority that shares or opens a data set to one operator and refuses everybody else.

Counted by applicants' groups over the market's trailing window: three and more refused (or left without an
answer until now: lapsed), and exactly one served. A screen: people ask whether the refused qualified.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding
from supervision.saying import because, tell
from supervision.trades import literal_time, moment

_DATASET: Final = ("authority_id", "dataset_id")
_SERVED: Final = ("granted", "shared", "opened", "approved", "accepted")
_REFUSED: Final = ("refused", "rejected", "lapsed")


def expression(tables: Tables, context: Context) -> Any:
    """The requests for data sets that exactly one group got and enough others did not."""
    asked = tables["share_requests"]
    asked = asked.filter(
        asked.asked_at <= moment(context), asked.asked_at > literal_time(context.market_since)
    )
    asked = asked.left_join(groups(tables), [("applicant_id", "org")]).drop("org")
    outcome = asked.outcome.fill_null("").lower()
    asked = asked.mutate(
        group=ibis.coalesce(asked.group, asked.applicant_id),
        served=outcome.isin(_SERVED),
        refused=outcome.isin(_REFUSED),
    )
    served = asked.filter(asked.served).group_by(*_DATASET).agg(operators=lambda t: t.group.nunique())
    by_one = asked.filter(asked.served).select(*_DATASET, "group").distinct()
    refused = asked.filter(asked.refused).anti_join(by_one, [*_DATASET, "group"])
    many = refused.group_by(*_DATASET).agg(others=refused.group.nunique())
    many = many.filter(many.others >= context.rules.whole("AM2", "refused_from"))
    asked = asked.semi_join(served.filter(served.operators == 1), list(_DATASET))
    asked = asked.semi_join(many, list(_DATASET)).filter(lambda t: t.served | t.refused)
    return asked.order_by(*_DATASET, "asked_at", "request_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a data set."""
    for (authority_id, dataset_id), group in groupby(rows, key=itemgetter(*_DATASET)):
        asked = list(group)
        operator = next(row["group"] for row in asked if row["served"])
        refused = {row["group"] for row in asked if not row["served"]} - {operator}
        yield tell(
            "AM2",
            context,
            zh="涉嫌行政性垄断（仅向一家提供，其余均被拒，线索）",
            en="suspected administrative monopoly: one is served and all others refused; a clue only",
            screen=True,
            window=(asked[0]["asked_at"], asked[-1]["asked_at"]),
            subjects=(authority_id, *(row["applicant_id"] for row in asked if row["served"])),
            objects=(dataset_id, *(row["request_id"] for row in asked)),
            statistic={"served": operator, "refused": sorted(refused)},
            evidence=(row["seq"] for row in asked),
            innocent=(
                because("unqualified", "其他申请人不具备条件", "the others do not qualify"),
                because("security", "安全要求", "security asks for it"),
            ),
        )


RULE = Rule(
    rule_id="AM2",
    needs={
        "share_requests": ("request_id", "authority_id", "dataset_id", "applicant_id", "asked_at", "outcome")
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
