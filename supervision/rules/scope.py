"""SCOPE: public data used outside the scenario that was approved, or tried to (实施规范 Art 19).

A use is compared with its scenario: the fields, the user, the purpose, the environment, the days; and with
the grant: its term, its end. One that the exchange refused has moved no data: a grant with refusals alone is
told as a screen, for people to ask why it was tried.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment

_REFUSED = ("grant-outside-scope", "grant-not-live")


def expression(tables: Tables, context: Context) -> Any:
    """The uses that leave their scenario, with each respect that they leave, and the refused attempts."""
    uses = tables["grant_uses"]
    uses = uses.filter(uses.used_at <= moment(context))
    known = tables["grant_scenarios"]
    known = known.filter(known.approved_at.notnull())
    granted = known.select("grant_id", "scenario_id", field=known.fields.unnest())
    asked = uses.select("use_id", "grant_id", "scenario_id", field=uses.fields.unnest())
    # Of a scenario whose fields nobody can read any more none is left.
    beyond = asked.semi_join(granted, ["grant_id", "scenario_id"])
    beyond = beyond.anti_join(granted, ["grant_id", "scenario_id", "field"])
    beyond = beyond.select("use_id").distinct().mutate(beyond=True)
    listed = known.select("grant_id", "scenario_id", user=known.users.unnest())
    strangers = uses.select("use_id", "grant_id", "scenario_id", user="user_id")
    strangers = strangers.semi_join(listed, ["grant_id", "scenario_id"])
    strangers = strangers.anti_join(listed, ["grant_id", "scenario_id", "user"])
    strangers = strangers.select("use_id").distinct().mutate(stranger=True)
    scenarios = known.select(
        "grant_id",
        "scenario_id",
        "starts",
        "ends",
        "approved_at",
        "ended_at",
        approved_purpose="purpose",
        approved_environment="environment",
        scenario_seq="seq",
    )
    term = tables["grants"].select("grant_id", "active_at", grant_ends="ends_at", grant_ended="ended_at")
    found = uses.select(
        "use_id",
        "grant_id",
        "scenario_id",
        "operator_id",
        "user_id",
        "purpose",
        "environment",
        "calls",
        "used_at",
        "seq",
    )
    found = found.left_join(scenarios, ["grant_id", "scenario_id"]).drop(
        "grant_id_right", "scenario_id_right"
    )
    found = found.left_join(term, "grant_id").drop("grant_id_right")
    found = found.left_join(beyond, "use_id").drop("use_id_right")
    found = found.left_join(strangers, "use_id").drop("use_id_right")
    # The day in Shanghai, which has no summer time, is that of eight hours later.
    today = (found.used_at + ibis.interval(hours=8)).date()
    respects = {
        "scenario": found.approved_at.isnull() | (found.used_at < found.approved_at),
        "fields": found.beyond,
        "user": found.stranger,
        "purpose": found.purpose.strip() != found.approved_purpose.strip(),
        "environment": found.environment.strip() != found.approved_environment.strip(),
        "days": (today < found.starts) | (today > found.ends) | (found.used_at > found.ended_at),
        "term": (found.used_at < found.active_at)
        | (found.used_at > found.grant_ends)
        | (found.used_at > found.grant_ended),
    }
    told = {f"left_{name}": left.fill_null(False) for name, left in respects.items()}
    found = found.mutate(**told).mutate(refused=ibis.literal(False))
    names = ("grant_id", "operator_id", "user_id", "use_id", "calls", "seq", *told, "refused")
    found = found.filter(ibis.or_(*(found[name] for name in told))).select(*names, at="used_at")
    tried = tables["refusals"]
    tried = tried.filter(tried.at <= moment(context), tried.attempted == "AOG.USE", tried.code.isin(_REFUSED))
    tried = tried.select(
        "seq",
        "at",
        grant_id="object_id",
        operator_id="actor",
        user_id=ibis.null("string"),
        use_id=ibis.null("string"),
        calls=ibis.null("int64"),
        **{name: ibis.literal(False) for name in told},
        refused=ibis.literal(True),
    )
    rows = ibis.union(found.select(*names, "at"), tried.select(*names, "at"), distinct=False)
    return rows.order_by("grant_id", "at", ibis.asc("use_id", nulls_first=True), "seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant, with every use that left its scope, and how many were refused."""
    for grant_id, group in groupby(rows, key=lambda row: row["grant_id"]):
        members = list(group)
        uses = [row for row in members if not row["refused"]]
        times = [row["at"] for row in members]
        left = sorted(
            {
                name.removeprefix("left_")
                for row in uses
                for name in row
                if name.startswith("left_") and row[name]
            }
        )
        clue = "" if uses else "（均已拒绝，线索）"
        yield tell(
            "SCOPE",
            context,
            zh="涉嫌超出授权范围使用公共数据" + clue,
            en="suspected use of public data outside what was granted"
            + ("" if uses else ": all attempts were refused; a clue only"),
            severity=Severity.HIGH if uses else Severity.LOW,
            screen=not uses,
            window=(min(times), max(times)),
            subjects=(row["operator_id"] for row in members),
            objects=(grant_id, *(row["use_id"] for row in uses)),
            statistic={
                "left": left,
                "uses": len(uses),
                "calls": sum(row["calls"] or 0 for row in uses),
                "users": sorted({row["user_id"] for row in uses if row["user_id"]}),
                "refused": len(members) - len(uses),
            },
            evidence=(row["seq"] for row in members),
            innocent=(
                because("approved-elsewhere", "场景另行批准而未录入", "a scenario that was not entered"),
                because("inside", "在授权场景之内", "inside an approved scenario", Checked.RULED_OUT),
            ),
        )


RULE = Rule(
    rule_id="SCOPE",
    needs={
        "grant_uses": ("use_id", "grant_id", "scenario_id", "user_id", "fields", "used_at"),
        "grant_scenarios": ("grant_id", "scenario_id", "fields", "approved_at"),
    },
    uses=("grants", "refusals"),
    expression=expression,
    findings=findings,
)
