"""PURPOSE_MISMATCH: an asset certificate tried for another purpose than its subject authorised.

The exchange refused each of these (`voucher-purpose-mismatch`), and nothing was told by it; that it was tried
is the finding (`rules.md` §2.3.4: one certificate is for one subject and one purpose).
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment

CODE: Final = "voucher-purpose-mismatch"


def expression(tables: Tables, context: Context) -> Any:
    """The refused uses for another purpose, by certificate and by who tried."""
    uses = tables["voucher_uses"]
    uses = uses.filter(uses["at"] <= moment(context), uses.code == CODE)
    return uses.order_by("voucher_id", "by_id", "at", "seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a certificate and who tried."""
    least = context.rules.whole("PURPOSE_MISMATCH", "attempts_from")
    for (voucher_id, by_id), group in groupby(rows, key=lambda row: (row["voucher_id"], row["by_id"])):
        tried = list(group)
        if len(tried) < least:
            continue
        asked = sorted({row["asked_purpose"] for row in tried if row["asked_purpose"]})
        authorised = next((row["purpose"] for row in tried if row["purpose"]), None)
        same = bool(asked) and asked == [authorised]
        yield tell(
            "PURPOSE_MISMATCH",
            context,
            zh="涉嫌超出授权用途使用公共数据资产凭证",
            en="suspected use of an asset certificate beyond its authorised purpose",
            severity=Severity.HIGH,
            window=(tried[0]["at"], tried[-1]["at"]),
            subjects=(by_id,),
            objects=(voucher_id,),
            statistic={"attempts": len(tried), "authorised": authorised, "asked": asked},
            evidence=(row["seq"] for row in tried),
            innocent=(
                because(
                    "misspelt",
                    "用途相同、文号录入有误",
                    "the same purpose, its reference mistyped",
                    Checked.OPEN if same or not asked else Checked.RULED_OUT,
                ),
                because(
                    "authorised-elsewhere",
                    "主体另有授权",
                    "the subject has authorised this in another way",
                ),
            ),
        )


RULE = Rule(
    rule_id="PURPOSE_MISMATCH",
    needs={"voucher_uses": ("voucher_id", "by_id", "at", "code")},
    expression=expression,
    findings=findings,
)
