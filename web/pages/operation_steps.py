"""The forms of a grant's steps: which fields each has, and how they become what the act takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.operation.rules import Clause
from web.pages.forms import Form
from web.pages.languages import N_

Reader = Callable[[Form], Mapping[str, Any]]
_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of a form: `kind` is text, area, check, a group of words, or what is listed."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the act it is, the fields of its form, and how they are read."""

    act: str
    fields: Sequence[Asked]
    read: Reader


_REASON: Final = Asked("reason", N_("Reason"), "area")
_SCENARIO: Final = Asked("scenario_id", N_("Scenario"), "scenarios")
_PRODUCT: Final = Asked("product_id", N_("Product"), "products")
_FILED: Final = Asked(
    "filed_with", N_("Filed with the data authority"), hint=N_("The id of the organisation")
)
_YEAR: Final = Asked("year", N_("Year"))
_DAY: Final = "2026-12-31"
_EVIDENCE: Final = Asked("evidence", N_("SHA-256 of each document that shows it"), "area")


def lines_of(form: Form, name: str) -> list[str]:
    """The lines of a field that have something in them."""
    return [line.strip() for line in form.text(name).splitlines() if line.strip()]


def pairs_of(form: Form, name: str, mark: str = "|") -> list[tuple[str, str]]:
    """Lines of two parts; what is missing of one is empty."""
    found = [[part.strip() for part in line.split(mark, 1)] for line in lines_of(form, name)]
    return [(one[0], one[1] if len(one) == _PARTS else "") for one in found]


def _plain(*names: str, digests: Sequence[str] = ()) -> Reader:
    def read(form: Form) -> Mapping[str, Any]:
        said: dict[str, Any] = {name: form.text(name) for name in names}
        return said | {name: form.text(name).lower() for name in digests}

    return read


def _selected(form: Form) -> Mapping[str, Any]:
    bidders = [{"org_id": org_id, "score": _number(score)} for org_id, score in pairs_of(form, "bidders")]
    said = {
        name: form.text(name) for name in ("method", "notice_from", "notice_to", "winner_id", "exception")
    }
    digests = {name: form.text(name).lower() for name in ("notice_sha256", "record_sha256")}
    return {"selection": {**said, **digests, "bidders": bidders}}


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text  # noqa: PLR2004


def _agreed(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("term_from", "term_to")}
    clauses = {clause.value: form.text(f"clause-{clause}") for clause in Clause}
    barred = {"redevelopment_barred": form.flag("redevelopment_barred")}
    return {
        "agreement": {
            **said,
            **barred,
            "clauses": clauses,
            "document_sha256": form.text("document_sha256").lower(),
        }
    }


def _scenario(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("name", "purpose", "environment", "starts", "ends")}
    fields = {
        data_id: [one.strip() for one in names.split(",") if one.strip()]
        for data_id, names in pairs_of(form, "fields")
    }
    return {"scenario": {**said, "fields": fields, "users": lines_of(form, "users")}}


def _used(form: Form) -> Mapping[str, Any]:
    names = [one.strip() for one in form.text("fields").split(",") if one.strip()]
    said = {name: form.text(name) for name in ("scenario_id", "data_id", "user_id", "purpose", "environment")}
    return {**said, "fields": names, "calls": form.whole("calls")}


def _capped(form: Form) -> Mapping[str, Any]:
    ids = [name.removeprefix("cap-") for name in form.fields if name.startswith("cap-")]
    caps = [
        {
            "product_id": product_id,
            "cap_minor": form.fen(f"cap-{product_id}"),
            "expected_units": form.whole(f"units-{product_id}"),
        }
        for product_id in ids
    ]
    money = {name: form.fen(name) or 0 for name in ("cost_minor", "subsidy_minor", "tax_minor")}
    rates = {name: form.text(name) for name in ("bond_yield", "margin")}
    more = {"trial": form.flag("trial"), "document_sha256": form.text("document_sha256").lower()}
    return {"caps": caps, **money, **rates, **more}


def _disclosed(form: Form) -> Mapping[str, Any]:
    names = ("cost_minor", "subsidy_minor", "actual_minor", "off_exchange_minor")
    money = {name: form.fen(name) or 0 for name in names}
    return {"year": form.whole("year"), **money, "document_sha256": form.text("document_sha256").lower()}


def _reported(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("bond_yield", "margin")}
    more = {"year": form.whole("year"), "tax_minor": form.fen("tax_minor") or 0}
    return {**said, **more, "document_sha256": form.text("document_sha256").lower()}


def _breached(form: Form) -> Mapping[str, Any]:
    evidence = form.text("evidence").lower().split()
    said = {name: form.text(name) for name in ("kind", "text")}
    return {**said, "evidence": evidence, "rectify_by": form.moment("rectify_by")}


def _rectified(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("breach_id", "text")}
    return {**said, "evidence": form.text("evidence").lower().split()}


_DIGEST: Final = Asked("document_sha256", N_("SHA-256 of the document"))
_RATES: Final = (
    Asked("bond_yield", N_("Mean ten-year government bond yield of the year before"), hint="0.0175"),
    Asked("margin", N_("Margin, at most 0.06"), hint="0.06"),
    Asked("tax_minor", N_("Tax, yuan"), needed=False),
)
STEPS: Final[Mapping[str, Step]] = {
    "CONSENT": Step("consent", (), _plain()),
    "DECIDE": Step(
        "decide",
        (
            Asked("meeting_sha256", N_("SHA-256 of the meeting's document")),
            Asked("meeting_on", N_("Day of the meeting"), hint=_DAY),
            _FILED,
        ),
        _plain("meeting_on", "filed_with", digests=("meeting_sha256",)),
    ),
    "ABANDON": Step("abandon", (_REASON,), _plain("reason")),
    "SELECT": Step(
        "select",
        (
            Asked("method", N_("Method"), "operation_method"),
            Asked("notice_from", N_("First day of notice"), hint=_DAY),
            Asked("notice_to", N_("Last day of notice"), hint=_DAY),
            Asked("notice_sha256", N_("SHA-256 of the notice")),
            Asked("record_sha256", N_("SHA-256 of the record")),
            Asked(
                "bidders", N_("Bidders"), "area", N_("One a line: id of the organisation | score in tenths")
            ),
            Asked("winner_id", N_("Who is selected"), hint=N_("The id of the organisation")),
            Asked("exception", N_("Exception, of a direct award"), needed=False),
        ),
        _selected,
    ),
    "SIGN": Step(
        "sign",
        (
            Asked("term_from", N_("First day of the term"), hint=_DAY),
            Asked("term_to", N_("Last day of the term"), hint=_DAY),
            Asked("clauses", N_("Clauses"), "clauses"),
            Asked("redevelopment_barred", N_("Re-development by the operator is barred"), "check"),
            _DIGEST,
        ),
        _agreed,
    ),
    "COUNTERSIGN": Step(
        "countersign",
        (Asked("agreement_sha256", N_("SHA-256 of the whole agreement, as it is shown above")), _FILED),
        _plain("filed_with", digests=("agreement_sha256",)),
    ),
    "REGISTER_RESOURCES": Step(
        "register_resources",
        (
            Asked(
                "registrations",
                N_("Registrations"),
                "area",
                N_("One a line: id of the data | id of its registration"),
            ),
        ),
        lambda form: {"registrations": dict(pairs_of(form, "registrations"))},
    ),
    "ASK_SCENARIO": Step(
        "ask_scenario",
        (
            Asked("name", N_("Name")),
            Asked("purpose", N_("Purpose"), "area"),
            Asked("fields", N_("Fields"), "area", N_("One a line: id of the data | fields, with commas")),
            Asked(
                "users", N_("Users"), "area", N_("Ids of organisations, one a line; none: any"), needed=False
            ),
            Asked("environment", N_("Environment")),
            Asked("starts", N_("First day"), hint=_DAY),
            Asked("ends", N_("Last day"), hint=_DAY),
        ),
        _scenario,
    ),
    "APPROVE_SCENARIO": Step("approve_scenario", (_SCENARIO,), _plain("scenario_id")),
    "REFUSE_SCENARIO": Step("refuse_scenario", (_SCENARIO, _REASON), _plain("scenario_id", "reason")),
    "END_SCENARIO": Step("end_scenario", (_SCENARIO, _REASON), _plain("scenario_id", "reason")),
    "TELL_OUTCOME": Step(
        "tell_outcome",
        (
            _SCENARIO,
            Asked("value", N_("What it was good for"), "area"),
            Asked("risk", N_("What it risked"), "area"),
        ),
        _plain("scenario_id", "value", "risk"),
    ),
    "USE": Step(
        "use",
        (
            _SCENARIO,
            Asked("data_id", N_("Data"), hint=N_("The id of the data")),
            Asked("fields", N_("Fields"), hint=N_("With commas")),
            Asked("user_id", N_("User"), hint=N_("The id of the organisation")),
            Asked("purpose", N_("Purpose"), "area"),
            Asked("environment", N_("Environment")),
            Asked("calls", N_("Calls")),
        ),
        _used,
    ),
    "ADD_PRODUCT": Step(
        "add_product",
        (
            Asked("product_id", N_("Product of this exchange")),
            _SCENARIO,
            Asked("title", N_("Title")),
            Asked("product_class", N_("Class"), "operation_class"),
            Asked("unit", N_("Unit"), "operation_unit"),
        ),
        _plain("product_id", "scenario_id", "title", "product_class", "unit"),
    ),
    "REGISTER_PRODUCT": Step(
        "register_product",
        (_PRODUCT, Asked("code", N_("Code of its public registration"))),
        _plain("product_id", "code"),
    ),
    "SET_CAPS": Step(
        "set_caps",
        (
            Asked("caps", N_("Caps"), "caps"),
            Asked("cost_minor", N_("Reasonable operating cost, yuan")),
            Asked("subsidy_minor", N_("Subsidies, yuan"), needed=False),
            *_RATES,
            Asked("trial", N_("Trial prices: no full year is known"), "check"),
            _DIGEST,
        ),
        _capped,
    ),
    "SET_PRICE": Step(
        "set_price",
        (_PRODUCT, Asked("price_minor", N_("Price, yuan a unit"))),
        lambda form: {"product_id": form.text("product_id"), "price_minor": form.fen("price_minor")},
    ),
    "DISCLOSE": Step(
        "disclose",
        (
            _YEAR,
            Asked("cost_minor", N_("Reasonable operating cost, yuan")),
            Asked("subsidy_minor", N_("Subsidies, yuan"), needed=False),
            Asked("actual_minor", N_("Actual revenue, yuan")),
            Asked("off_exchange_minor", N_("Of it sold off the exchange, yuan"), needed=False),
            _DIGEST,
        ),
        _disclosed,
    ),
    "REPORT": Step("report", (_YEAR, *_RATES, _DIGEST), _reported),
    "BREACH_FOUND": Step(
        "find_breach",
        (
            Asked("kind", N_("Kind"), "operation_breach"),
            Asked("text", N_("What was found"), "area"),
            _EVIDENCE,
            Asked("rectify_by", N_("To be rectified by"), hint="2026-12-31T18:00"),
        ),
        _breached,
    ),
    "RECTIFIED": Step(
        "rectified",
        (
            Asked("breach_id", N_("Breach"), "breaches"),
            Asked("text", N_("What was rectified"), "area"),
            _EVIDENCE,
        ),
        _rectified,
    ),
    "CLEAR": Step("clear", (_REASON,), _plain("reason")),
    "SUSPEND": Step("suspend", (_REASON,), _plain("reason")),
    "RESUME": Step("resume", (_REASON,), _plain("reason")),
    "TERMINATE": Step(
        "terminate",
        (
            _REASON,
            Asked("destruction_sha256", N_("SHA-256 of the proof of destruction")),
            Asked("handover_sha256", N_("SHA-256 of the hand-over")),
        ),
        _plain("reason", digests=("destruction_sha256", "handover_sha256")),
    ),
    "EVALUATE": Step(
        "evaluate",
        (
            Asked("score", N_("Score in tenths of a point")),
            Asked("report_sha256", N_("SHA-256 of the report")),
        ),
        lambda form: {"score": form.whole("score"), "report_sha256": form.text("report_sha256").lower()},
    ),
    "RENEW": Step(
        "renew",
        (
            Asked("until", N_("New last day"), hint=_DAY),
            Asked("supplement_sha256", N_("SHA-256 of the supplement that both signed")),
        ),
        _plain("until", digests=("supplement_sha256",)),
    ),
}
