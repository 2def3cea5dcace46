"""AM3: a condition that only locals can meet in the terms of a grant of public data (AML Arts 41, 42).

`grants.conditions` are codes or the text of the tender. A code of local registration, establishment or
performance is a hard finding; words that ask for it make a screen, unless the same sentence forbids it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding
from supervision.saying import because, tell
from supervision.trades import moment

_CODES: Final = frozenset(
    {"local_only", "local_registration", "local_branch", "local_performance", "local_tax", "local_ownership"}
)
_WORDS: Final = re.compile(
    r"(?:本地|本市|本省|本区|当地)(?:[^，。；]{0,6})(?:注册|企业|公司|业绩|纳税|分支机构|国有)"
    r"|注册地[^，。；]{0,6}(?:本市|本省|本地|当地)"
    r"|\blocal(?:ly)?[ -](?:registered|companies|company|firms?|branch|track record)\b"
    r"|\b(?:registered|branch|office|established) in (?:the|this|our) (?:city|province|district)\b",
    re.IGNORECASE,
)
_FORBIDS: Final = re.compile(
    r"(?:不得|不应|不限|禁止|无需|不要求|may not|must not|no )[^，。；;.]{0,20}$", re.IGNORECASE
)


def expression(tables: Tables, context: Context) -> Any:
    """The grants that have conditions."""
    grants = tables["grants"]
    grants = grants.filter(grants.granted_at <= moment(context), grants.conditions.length() > 0)
    return grants.order_by("grant_id", "granted_at")


def local_words(text: str) -> bool:
    """Whether a text asks for a local party, and does not forbid to."""
    return any(not _FORBIDS.search(text[: found.start()]) for found in _WORDS.finditer(text))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant."""
    for row in rows:
        conditions = [item for item in row["conditions"] if item]
        codes = sorted({item.strip().lower().replace("-", "_") for item in conditions} & _CODES)
        words = sorted(item for item in conditions if local_words(item))
        if not codes and not words:
            continue
        yield tell(
            "AM3",
            context,
            zh="涉嫌行政性垄断（限定本地经营者）" + ("" if codes else "（线索）"),
            en="suspected administrative monopoly: only locals qualify" + ("" if codes else "; a clue only"),
            screen=not codes,
            window=(row["granted_at"], row["granted_at"]),
            subjects=(row["authority_id"],),
            objects=(row["grant_id"],),
            statistic={"codes": codes, "conditions": words},
            evidence=(row["seq"],),
            innocent=(because("law", "法律、行政法规另有规定", "a law or regulation asks for it"),),
        )


RULE = Rule(
    rule_id="AM3",
    needs={"grants": ("grant_id", "authority_id", "conditions", "granted_at")},
    expression=expression,
    findings=findings,
)
