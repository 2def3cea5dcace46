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
)
NEVER_MADE: Final = ("REJECTED", "WITHDRAWN", "LAPSED", "REFUSED", "DRAFT", "PROHIBITED")


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
        status=exports.status.fill_null("").upper().re_replace(r"[^A-Z0-9]+", "_"),
    )
    exports = exports.mutate(
        took=ibis.cases(
            (exports.path.contains("PROHIBIT"), PROHIBITED),
            (exports.path.contains("ASSESS"), ASSESSMENT),
            (exports.path == "MANUAL", ASSESSMENT),  # a foreign request, approved one by one
            (exports.path.startswith("EXEMPT"), EXEMPT),
            (exports.path == "", EXEMPT),
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
    made = tables["exports"].mutate(
        status=tables["exports"].status.fill_null("").upper().re_replace(r"[^A-Z0-9]+", "_")
    )
    return sent.left_join(made, [("sent_as", "declaration_id")])
