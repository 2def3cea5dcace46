"""The evidence tables: names, columns and types. The rules know nothing else (`docs/supervision.md`).

Pure declarations; `supervision.intake` and `supervision.engine` turn a kind into their own types.
Amounts are fen (64-bit integers), times are UTC, ids are text, lists are of text.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    INT = "int"
    BOOL = "bool"
    TIME = "time"
    DAY = "day"
    SHARE = "share"
    LIST = "list"


Columns = Mapping[str, Kind]


def _columns(declaration: str) -> Columns:
    """`name` is text, `name:kind` any other kind."""
    pairs = (item.partition(":") for item in declaration.split())
    return MappingProxyType({name: Kind(kind or Kind.TEXT) for name, _, kind in pairs})


TABLES: Final[Mapping[str, Columns]] = MappingProxyType(
    {
        "orgs": _columns("org_id name uscc controller_id region is_ciio:bool roles:list"),
        "holdings": _columns("holder_id held_id share:share"),
        "certificates": _columns(
            "cert_id org_id broker_type grade:int sectors:list max_level cross_border:bool"
            " valid_from:time valid_to:time"
        ),
        "certificate_events": _columns("cert_id at:time event seq:int year:int"),
        "mandates": _columns(
            "mandate_id broker_id client_id listing_id signed_at:time ends_at:time fee_bp:int"
            " conflict_disclosed:bool dual_consent:bool seq:int side revoked_at:time"
        ),
        "listings": _columns(
            "listing_id seller_id category geo level product_type list_price_minor:int cap_minor:int"
            " public_data:bool grant_id listed_at:time delisted_at:time seq:int product_id bytes:int"
        ),
        "requests": _columns(
            "request_id listing_id seller_id buyer_id buyer_qualified:bool asked_at:time"
            " answered_at:time outcome reason seq:int"
        ),
        "quotes": _columns(
            "quote_id listing_id seller_id buyer_id broker_id tender_id quoted_at:time price_minor:int"
            " quantity:int unit licence_class credit_class attachment_sha256 outcome seq:int trade_id"
            " mechanism version inputs_sha256"
        ),
        "trades": _columns(
            "trade_id listing_id product_id seller_id buyer_id broker_id category geo licence_class"
            " quantity:int unit amount_minor:int commission_minor:int platform_fee_minor:int"
            " contract_dated_at:time agreed_at:time delivered_at:time accepted_at:time settled_at:time"
            " status seq:int offer_accepted_at:time broker_signed:bool"
        ),
        "payments": _columns(
            "payment_id trade_id payer_id payee_id amount_minor:int paid_at:time purpose seq:int"
        ),
        "usage": _columns("trade_id day:day calls:int downloads:int compute_jobs:int bytes:int seq:int"),
        "listing_views": _columns("listing_id day:day views:int"),
        "costs": _columns("listing_id period variable_cost_minor:int"),
        "fee_caps": _columns("scope max_bp:int"),
        "exports": _columns(
            "declaration_id exporter_id recipient_id country in_gba:bool declared_at:time sensitive:bool"
            " important:bool persons_declared:int route_claimed route status seq:int trade_id"
            " sensitive_persons:int lists:int group_persons:int group_sensitive:int counts_in:int"
        ),
        "export_persons": _columns("declaration_id person_hash"),
        "export_transfers": _columns(
            "declaration_id transferred_at:time persons_actual:int recipient_id seq:int"
        ),
        "undertakings": _columns("org_id year:int sales_minor:int"),
        "concentrations": _columns("acquirer_id target_id announced_at:time"),
        "flags": _columns("trade_id case_id from_seq:int to_seq:int"),
        # beyond the common list: what more the ledger tells, and what a rule may use where it is there
        "trade_events": _columns("trade_id event at:time seq:int actor role"),
        "refusals": _columns("seq:int at:time code rule_id attempted object_id actor"),
        "payment_mismatches": _columns(
            "seq:int at:time trade_id kind expected_minor:int actual_minor:int bank_message_sha256"
        ),
        "export_scans": _columns("declaration_id field kind scanned_at:time seq:int"),
        "reviews": _columns("review_id listing_id reviewer_id rating:int written_at:time seq:int"),
        "lineage": _columns("product_id source_product_id seq:int"),
        "notices": _columns(
            "notice_id org_id kind object_id noticed_at:time takes_effect_at:time told_at:time seq:int"
        ),
        "conflict_consents": _columns("trade_id broker_id org_id party_id kind at:time seq:int"),
        "source_checks": _columns("trade_id broker_id at:time keep_until:time seq:int"),
        "access": _columns("trade_id entitlement_id org_id recipient_id purpose at:time bytes:int seq:int"),
        "bids": _columns(
            "auction_id bid_id listing_id seller_id bidder_id broker_id mechanism committed_at:time"
            " revealed_at:time price_minor:int quantity:int unit licence_class outcome seq:int trade_id"
        ),
        "ranking": _columns(
            "presentation_id broker_id client_id request_id listing_id seller_id neutral_rank:int"
            " sent_rank:int points:int rule_version sent_at:time seq:int"
        ),
        "clauses": _columns("clause_id trade_id kind text starts_at:time ends_at:time seq:int"),
        "throttling": _columns("trade_id day:day asked:int refused:int seq:int"),
        "bid_traces": _columns("quote_id kind value_sha256 seq:int"),
        "retrievals": _columns("trade_id day:day calls:int distinct_keys:int in_sequence:int seq:int"),
        "watermarks": _columns("mark_sha256 product_id issued_at:time seq:int"),
        "mark_hits": _columns("mark_sha256 listing_id found_at:time seq:int"),
        "sketches": _columns("listing_id minhash:list seq:int"),
        "texts": _columns("text_id author_id about_id text written_at:time seq:int"),
        "grants": _columns(
            "grant_id authority_id operator_id selection_method exception conditions:list"
            " granted_at:time seq:int active_at:time ends_at:time ended_at:time"
        ),
        "grant_scenarios": _columns(
            "grant_id scenario_id fields:list users:list purpose environment starts:day ends:day"
            " approved_at:time ended_at:time seq:int"
        ),
        "grant_uses": _columns(
            "use_id grant_id scenario_id operator_id user_id fields:list purpose environment calls:int"
            " used_at:time seq:int"
        ),
        "grant_products": _columns(
            "grant_id product_id scenario_id product_class cap_minor:int capped_at:time code coded_at:time"
            " added_at:time seq:int"
        ),
        "grant_caps": _columns("grant_id product_id cap_minor:int from_at:time until_at:time seq:int"),
        "grant_years": _columns(
            "grant_id authority_id operator_id year:int disclosed_at:time reported_at:time"
            " permitted_minor:int actual_minor:int off_exchange_minor:int seq:int"
        ),
        "share_requests": _columns(
            "request_id authority_id dataset_id applicant_id asked_at:time answered_at:time outcome seq:int"
        ),
        "identifiers": _columns("org_id kind value_sha256 seq:int"),
        # what statistics count
        "rights": _columns("product_id holder_id right source entered_at:time ended_at:time seq:int"),
        "quality": _columns("listing_id score_tenths:int measured_at:time seq:int"),
        "survey_lines": _columns(
            "survey_id org_id corrects year:int answered_at:time line_no:int source form industry stage right"
            " level region cross_border:bool collection_minor:int purchase_minor:int cleaning_minor:int"
            " storage_minor:int analysis_minor:int security_minor:int circulation_minor:int"
            " on_exchange_minor:int off_exchange_minor:int staff_bp:int own_use_bp:int"
            " useful_life_years:int seq:int"
        ),
        "questions": _columns(
            "trade_id entitlement_id org_id product_id event at:time form_sha256 shape_sha256"
            " algorithm_sha256 epsilon_micro:int code seq:int"
        ),
        "screenings": _columns("listing_id product_id seller_id at:time outcome reasons:list seq:int"),
        "case_events": _columns("case_id event at:time seq:int"),
        "clocks": _columns(
            "object_id matter owed_by due_at:time met_at:time stated_at:time seq:int met_seq:int"
        ),
        "voucher_uses": _columns(
            "voucher_id type_id subject_id user_id provider_id by_id purpose asked_purpose outcome code"
            " at:time seq:int"
        ),
    }
)

KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"orgs": "org_id", "listings": "listing_id", "quotes": "quote_id", "trades": "trade_id"}
)
"""Tables in which one id may stand only once: a second row would be counted twice."""

DERIVED: Final = (
    "orgs",
    "certificates",
    "certificate_events",
    "mandates",
    "listings",
    "requests",
    "quotes",
    "trades",
    "payments",
    "usage",
    "exports",
    "flags",
    "trade_events",
    "refusals",
    "payment_mismatches",
    "notices",
    "conflict_consents",
    "bids",
    "ranking",
    "source_checks",
    "access",
    "lineage",
    "clauses",
    "watermarks",
    "mark_hits",
    "sketches",
    "bid_traces",
    "texts",
    "identifiers",
    "rights",
    "quality",
    "survey_lines",
    "case_events",
    "grants",
    "grant_scenarios",
    "grant_uses",
    "grant_products",
    "grant_caps",
    "grant_years",
    "voucher_uses",
    "questions",
    "screenings",
    "clocks",
)
"""What `databourse evidence` derives; the other tables are reports from elsewhere."""

LAST_DAYS: Final = frozenset({"valid_to", "ends_at", "keep_until", "due_at"})
"""Times that, where only a day is told, are the end of it."""
AHEAD_OF_NOW: Final = frozenset(
    {"valid_from", "valid_to", "starts_at", "ends_at", "contract_dated_at", "takes_effect_at", "keep_until"}
    | {"due_at"}
)
"""Times that lie ahead by nature, or that a party only claims: they do not say how late it is."""
