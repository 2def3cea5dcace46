"""PC_ALGO_SWAP: what was to run on a table that may not leave was not what was approved (a screen).

The exchange refused it: another digest under an approved question (`algorithm-changed`), or a question that
nobody approved from who has an approved one (`algorithm-not-approved`). Who asks before anything was
approved has swapped nothing.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding
from supervision.saying import because, tell
from supervision.trades import moment

_CHANGED: Final = "algorithm-changed"
_UNAPPROVED: Final = "algorithm-not-approved"


def expression(tables: Tables, context: Context) -> Any:
    """The refused attempts, each with when something was first approved under its right, if anything was."""
    told = tables["questions"]
    told = told.filter(told["at"] <= moment(context))
    approved = told.filter(told.event == "approved", told.entitlement_id.notnull())
    approved = approved.group_by(of_right="entitlement_id").agg(
        approved_at=approved["at"].min(), approved_seq=approved.seq.min(), of_trade=approved.trade_id.max()
    )
    tried = told.filter(told.event == "refused", told.code.isin((_CHANGED, _UNAPPROVED)))
    tried = tried.left_join(approved, [("entitlement_id", "of_right")])
    swapped = (tried.code == _CHANGED) | ibis.coalesce(tried.approved_at <= tried["at"], False)
    tried = tried.filter(swapped)
    names = ("org_id", "entitlement_id", "code", "at", "seq", "approved_seq")
    return tried.select(*names, trade_id=ibis.coalesce(tried.trade_id, tried.of_trade)).order_by(
        "entitlement_id", "org_id", "at", "code", "seq"
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a right and who tried."""
    least = context.rules.whole("PC_ALGO_SWAP", "attempts_from")
    for (right, org_id), group in groupby(rows, key=lambda row: (row["entitlement_id"], row["org_id"])):
        tried = list(group)
        if len(tried) < least:
            continue
        changed = sum(row["code"] == _CHANGED for row in tried)
        yield tell(
            "PC_ALGO_SWAP",
            context,
            zh="涉嫌更换已核准的算法（线索，已拒绝执行）",
            en="suspected swap of an approved algorithm, refused; a clue only",
            screen=True,
            window=(tried[0]["at"], tried[-1]["at"]),
            subjects=(org_id,),
            objects=(right, *(row["trade_id"] for row in tried)),
            statistic={"changed": changed, "not_approved": len(tried) - changed},
            evidence=(number for row in tried for number in (row["approved_seq"], row["seq"])),
            innocent=(
                because("engine", "交易所计算引擎更新", "the exchange's own engine has changed since"),
                because("another", "另一问题漏报核准", "another question, not sent for approval by mistake"),
            ),
        )


RULE = Rule(
    rule_id="PC_ALGO_SWAP",
    needs={"questions": ("entitlement_id", "org_id", "event", "at", "code")},
    expression=expression,
    findings=findings,
)
