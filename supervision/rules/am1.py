"""AM1: public data granted to an operator directly, without a fair competition and without an exception.

AML Arts 10 and 61; authorised operation is awarded by open or invited tender, negotiation or another fair
competition (公共数据资源授权运营实施规范（试行）, Art 12). Asked of grants from the day on which that text is
in force in the rule table.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any, Final

from base.clock import SHANGHAI
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import literal_time, moment

_DIRECT: Final = r"^(direct|designat|appoint)|直接|指定"
_NO_EXCEPTION: Final = ("", "none", "no", "false", "n/a", "-", "无")


def expression(tables: Tables, context: Context) -> Any:
    """The direct grants that state no exception."""
    grants = tables["grants"]
    grants = grants.filter(
        grants.granted_at <= moment(context),
        grants.selection_method.fill_null("").strip().lower().re_search(_DIRECT),
        grants.exception.fill_null("").strip().lower().isin(_NO_EXCEPTION),
    )
    since = context.rules.since("AM1")
    if since is not None:
        begin = datetime.combine(since, time.min, SHANGHAI).astimezone(UTC)
        grants = grants.filter(grants.granted_at >= literal_time(begin))
    return grants.order_by("grant_id", "granted_at")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant."""
    for row in rows:
        yield tell(
            "AM1",
            context,
            zh="涉嫌行政性垄断（未经公平竞争直接授权）",
            en="suspected administrative monopoly: granted without a fair competition",
            severity=Severity.HIGH,
            window=(row["granted_at"], row["granted_at"]),
            subjects=(row["authority_id"], row["operator_id"]),
            objects=(row["grant_id"],),
            statistic={"selection_method": row["selection_method"]},
            evidence=(row["seq"],),
            innocent=(
                because("exception", "载明法定例外", "a stated exception", Checked.RULED_OUT),
                because("unrecorded", "例外未录入", "an exception that was not entered"),
            ),
        )


RULE = Rule(
    rule_id="AM1",
    needs={
        "grants": ("grant_id", "authority_id", "operator_id", "selection_method", "exception", "granted_at")
    },
    expression=expression,
    findings=findings,
)
