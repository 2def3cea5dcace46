"""Cross-border declarations: their routes by strictness, and which of them the counters count."""

from types import MappingProxyType
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Tables
from supervision.trades import moment

EXEMPT: Final = 0
CONTRACT: Final = 1  # standard contract or certification
ASSESSMENT: Final = 2
PROHIBITED: Final = 3
ROUTES: Final = MappingProxyType(
    {EXEMPT: "exempt", CONTRACT: "contract-or-certification", ASSESSMENT: "assessment"}
)
NOT_CLEARED: Final = (
    *("DECLARED", "UNDER_CHECK", "UNDER_REVIEW", "UNDER_ASSESSMENT", "RETURNED", "REJECTED", "WITHDRAWN"),
    "LAPSED",
    *("PROHIBITED", "PENDING", "SUBMITTED", "REFUSED", "DRAFT"),
)
_CHINESE: Final = (
    ("禁止", "PROHIBIT"),
    ("评估", "ASSESSMENT"),
    ("大湾区", "GBA_STANDARD_CONTRACT"),
    ("合同", "STANDARD_CONTRACT"),
    ("认证", "CERTIFICATION"),
    ("豁免", "EXEMPT"),
    ("免", "EXEMPT"),
    ("无需", "EXEMPT"),
)
_NO_ROUTE: Final = ("", "NONE", "NO_ROUTE", "NOT_REQUIRED", "NO_APPROVAL", "FREE")
_STANDING: Final = (
    (r"草稿", "DRAFT"),
    (r"撤回|撤销申报", "WITHDRAWN"),
    (r"驳回|拒绝|不予|未(获)?通过|不通过|未批准", "REJECTED"),
    (r"禁止", "PROHIBITED"),
    (r"待", "PENDING"),
    (r"通过|批准|放行|完成|备案|传输|结束|到期|中止", "CLEARED"),
    (r"审|申报|受理|补正|评估|提交", "PENDING"),
    (r"(?i)^(denied|not.approved|disapproved)$", "REJECTED"),
    (r"(?i)^(under|pending|awaiting|in.review)|[^a-z](pending|awaited)$", "PENDING"),
)
"""Other venues' words for where a declaration stands; the first that fits."""
NEVER_MADE: Final = ("REJECTED", "WITHDRAWN", "LAPSED", "REFUSED", "DRAFT", "PROHIBITED")


def standing(exports: Any) -> Any:
    """A declaration's status as a code; of other venues' words, what they come to here."""
    told = exports.status.fill_null("")
    code = told.upper().re_replace(r"[^A-Z0-9]+", "_")
    others = ((told.re_search(words), meant) for words, meant in _STANDING)
    return ibis.cases((code.isin(NOT_CLEARED), code), *others, else_=code)


def crosses(exports: Any) -> Any:
    """Whether a row of `exports` is about a border at all: our own evidence has domestic deliveries too."""
    route = exports.route.fill_null("").upper()
    return (exports.country.fill_null("").upper() != "CN") & ~route.isin(("DOMESTIC", "REFUSED"))


def declarations(tables: Tables, context: Context) -> Any:
    """Declarations made until `as_of`, with `exporter_group`, status, and `took`: a route's strictness."""
    exports = tables["exports"]
    exports = exports.filter(exports.declared_at <= moment(context), exports.declaration_id.notnull())
    exports = exports.filter(crosses(exports))
    route = ibis.coalesce(exports.route.nullif(""), exports.route_claimed.nullif(""), ibis.literal(""))
    route = ibis.cases(*((route.contains(words), code) for words, code in _CHINESE), else_=route)
    exports = exports.mutate(
        path=route.upper().re_replace(r"[^A-Z0-9]+", "_"),
        status=standing(exports),
    )
    exports = exports.mutate(
        took=ibis.cases(
            (exports.path.contains("PROHIBIT"), PROHIBITED),
            (exports.path.contains("ASSESS"), ASSESSMENT),
            (exports.path == "MANUAL", ASSESSMENT),  # a foreign request, approved one by one
            (exports.path.startswith("EXEMPT"), EXEMPT),
            (exports.path.isin(_NO_ROUTE), EXEMPT),
            else_=CONTRACT,
        ).cast("int64"),
        # rows 3 to 8 of the routing table: exempt for a reason, never counted; row 13: for its size
        uncounted=exports.path.re_search(r"^EXEMPT_.")
        & ~exports.path.re_search(r"^EXEMPT_(SMALL|13|VOLUME)"),
        regional=exports.path.contains("GBA"),
    )
    orgs = tables["orgs"].select(known="org_id", is_ciio="is_ciio")
    exports = exports.left_join(groups(tables), [("exporter_id", "org")]).drop("org")
    exports = exports.left_join(orgs, [("exporter_id", "known")]).drop("known")
    return exports.mutate(
        exporter_group=ibis.coalesce(exports.group, exports.exporter_id),
        ciio=exports.is_ciio.fill_null(False),
    )


def transfers(tables: Tables, context: Context) -> Any:
    """Transfers until `as_of`, each beside its declaration (left join: there may be none)."""
    sent = tables["export_transfers"]
    sent = sent.filter(sent.transferred_at <= moment(context)).select(
        "transferred_at",
        "persons_actual",
        sent_as="declaration_id",
        sent_to="recipient_id",
        sent_seq="seq",
    )
    made = tables["exports"].mutate(status=standing(tables["exports"]))
    return sent.left_join(made, [("sent_as", "declaration_id")])
