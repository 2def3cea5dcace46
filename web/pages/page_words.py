"""The words of single pages for what the code names by a code (`words`)."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_
from web.pages.reason_words import ORDERED, REASONS

DOWNLOADS: Final[Mapping[str, str]] = {
    "OPEN": N_("under way"),
    "COMPLETE": N_("complete"),
    "SPENT": N_("broken off too often"),
}
ANSWERED_BY: Final[Mapping[str, str]] = {
    "TABLE": N_("the product's own table"),
    "PROVIDER": N_("an endpoint of ours"),
}
DELIVERY_KINDS: Final[Mapping[str, str]] = {
    "FILE": N_("File, to be downloaded"),
    "SHARE": N_("Table, read by Delta Sharing"),
    "API": N_("Interface, call by call"),
    "QUERY": N_("Questions to the table"),
}
MEMBERS: Final[Mapping[str, str]] = {
    "title": N_("Title"),
    "description": N_("Description"),
    "scenario": N_("Scenario of use"),
    "category": N_("Category"),
    "geo": N_("Region"),
    "product_type": N_("Type"),
    "level": N_("Level"),
    "public_data": N_("Public data"),
    "licence_class": N_("Licence"),
    "licence_of_data": N_("What may be done with the data"),
    "quantity": N_("Quantity"),
    "unit": N_("Unit"),
    "list_price_minor": N_("List price"),
    "cap_minor": N_("Government-guided cap"),
    "file_sha256": N_("File"),
    "bytes": N_("Size"),
    "plan": N_("Price plan"),
}
PRICE_REASONS: Final[Mapping[str, str]] = {
    "list-price": N_("The provider's list price"),
    "graduated": N_("Each unit at the rate of its tier"),
    "all-units": N_("The whole quantity at the rate of its tier"),
    "larger-costs-less": N_("A larger quantity costs less, and that is charged"),
    "metered": N_("What is used, by the unit"),
    "commitment": N_("The least that is paid"),
    "cap-reached": N_("The most that is paid"),
    "subscription-fee": N_("The fee of a period"),
    "whole-periods": N_("Whole periods"),
    "rates-fall": N_("To buy in parts never costs less"),
    "rates-rise": N_("Later units cost more"),
    "tax": N_("Tax is inside the price"),
}
RULE_TABLES: Final[Mapping[str, str]] = {
    "supervision": N_("Supervision"),
    "brokers": N_("Brokers"),
    "cases": N_("Cases"),
    "cases.bulletins": N_("Warnings and bulletins"),
    "cases.incidents": N_("Security incidents"),
    "market.customs": N_("Data customs"),
    "market.quotes": N_("Held quotes"),
    "registry.assessments": N_("Assessments"),
    "registry.duties": N_("Duties of agencies"),
    "registry.evaluation": N_("Evaluation of agencies"),
    "registry.grading": N_("Classification and grading"),
    "registry.lists": N_("Lists of agencies"),
    "registry.opening": N_("Opening of public data"),
    "registry.operation": N_("Authorised operation"),
    "registry.registration": N_("Registration of rights"),
    "registry.subjects": N_("Persons' data"),
    "registry.vouchers": N_("Asset certificates"),
}
IN_FORCE: Final[Mapping[str, str]] = {
    "in-force": N_("in force"),
    "to-come": N_("to come"),
    "over": N_("over"),
}
API_PLACES: Final[Mapping[str, str]] = {
    "path": N_("address"),
    "query": N_("question"),
    "header": N_("head of the request"),
    "body": N_("body"),
}
# Classes of a licence are the seller's own words; these are the usual ones.
LICENCES: Final[Mapping[str, str]] = {
    "internal-use": N_("Internal use"),
    "INTERNAL_USE": N_("Internal use"),
    "resale": N_("Resale"),
}
COLUMN_TYPES: Final[Mapping[str, str]] = {
    "text": N_("text"),
    "integer": N_("whole number"),
    "decimal": N_("decimal number"),
    "boolean": N_("yes or no"),
    "year": N_("year"),
    "month": N_("month"),
    "date": N_("day"),
    "datetime": N_("day and time"),
}
SURE: Final[Mapping[str, str]] = {
    "verified": N_("read in the primary text"),
    "secondary": N_("from a secondary source"),
    "unverified": N_("from memory: not to be quoted as law"),
    "default": N_("this exchange's own"),
}
REVOCATIONS: Final[Mapping[str, str]] = {
    "lost": N_("Lost"),
    "compromised": N_("Compromised"),
    "superseded": N_("Superseded"),
}
DECISIONS: Final[Mapping[str, str]] = {
    "APPROVE": N_("Approve"),
    "RETURN": N_("Return for correction"),
    "REJECT": N_("Reject"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "revocation": REVOCATIONS,
    "decision": DECISIONS,
    "api_place": API_PLACES,
    "download": DOWNLOADS,
    "licence": LICENCES,
    "column_type": COLUMN_TYPES,
    "answered_by": ANSWERED_BY,
    "listing_member": MEMBERS,
    "price_reason": PRICE_REASONS,
    "rule_table": RULE_TABLES,
    "in_force": IN_FORCE,
    "sure": SURE,
    "given_reason": REASONS,
    "order_reason": ORDERED,
    "delivery_kind": DELIVERY_KINDS,
}
