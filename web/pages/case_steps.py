"""What each step of a case asks in its form, and what its act is then told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cases.states import CaseEvent
from web.pages.forms import Form
from web.pages.languages import N_

_E = CaseEvent


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a step's form: `of` says how it is asked for and read; `each`, that it is for each party."""

    name: str
    label: str
    of: str = "text"
    required: bool = True
    each: bool = False

    def of_party(self, org_id: str) -> str:
        """The name of the field for one party."""
        return f"{self.name}-{org_id}"


_REASON: Final = Asked("reason", N_("Reason"), "area")
_REASONS: Final = Asked("reasons", N_("Reasons"), "area")
_TEXT: Final = Asked("text", N_("Text"), "area")
_WASHED: Final = Asked("washed", N_("Trades held to be washed, with spaces between"), "ids", required=False)
_AUTHORITY: Final = Asked("authority", N_("Authority"), "authority")
STEPS: Final[Mapping[CaseEvent, tuple[str, tuple[Asked, ...]]]] = {
    _E.TRIAGE: ("case.triage", (Asked("matter", N_("Matter"), "matter"),)),
    _E.TRANSFER: ("case.transfer", (_AUTHORITY, _REASON)),
    _E.RECEIVE: ("case.receive", ()),
    _E.CONTEST: ("case.contest", (_REASON,)),
    _E.SETTLE_JURISDICTION: ("case.settle_jurisdiction", ()),
    _E.ASSIGN: ("case.assign", (_AUTHORITY, Asked("ruling", N_("Ruling of the superior"), "area"))),
    _E.REFUSE: ("case.refuse", (Asked("reason_code", N_("Reason code")), _REASONS)),
    _E.ACCEPT: ("case.accept", (Asked("claim", N_("What the other side is told of it"), "area"),)),
    _E.AGREE: ("case.agree", ()),
    _E.END: ("case.end", (_REASON,)),
    _E.CLUE: ("case.clue", (_TEXT,)),
    _E.VERIFY: ("case.verify", ()),
    _E.EXTEND: ("case.extend", (_REASON,)),
    _E.OPEN_CASE: ("case.open", (_WASHED,)),
    _E.NO_CASE: ("case.dismiss", (_REASONS,)),
    _E.COMMITMENT: ("case.commitment", (Asked("until", N_("To be kept until"), "moment"),)),
    _E.FULFILLED: ("case.commitment_over", (_REASONS,)),
    _E.BROKEN: ("case.commitment_over", (_REASONS,)),
    _E.PROPOSE_PENALTY: (
        "case.propose",
        (
            Asked("code", N_("Norm"), "norm", required=False, each=True),
            Asked("on", N_("Day of what was done"), "day", required=False, each=True),
            Asked("circumstances", N_("Circumstances"), "circumstances", required=False, each=True),
            Asked("sales_minor", N_("Last year's sales, in yuan"), "fen", required=False, each=True),
            Asked("gains_minor", N_("Unlawful gains, in yuan"), "fen", required=False, each=True),
            Asked("deal_minor", N_("Amount of the deal, in yuan"), "fen", required=False, each=True),
            Asked("fine_minor", N_("Fine, in yuan"), "fen", required=False, each=True),
            Asked("evidence_seqs", N_("Entries that prove it, with spaces between")),
            _REASONS,
        ),
    ),
    _E.NOTIFY_HEARING: (
        "case.hearing",
        (Asked("held_at", N_("When"), "moment"), Asked("place", N_("Where"))),
    ),
    _E.DECIDE: (
        "case.decide",
        (
            Asked("outcome", N_("Outcome"), "outcome"),
            Asked("measure", N_("Measure"), "measure", required=False),
            Asked("object_id", N_("Object"), required=False),
            _REASONS,
        ),
    ),
    _E.UPHOLD: ("case.ruling", (Asked("ruling", N_("Ruling"), "area"),)),
    _E.CHANGE: (
        "case.ruling",
        (
            Asked("fine_minor", N_("Fine, in yuan"), "fen", required=False, each=True),
            Asked("ruling", N_("Ruling"), "area"),
        ),
    ),
    _E.REVOKE: ("case.ruling", (Asked("ruling", N_("Ruling"), "area"),)),
    _E.EXECUTE: ("case.execute", (Asked("receipt", N_("Receipt of the payments"), required=False),)),
    _E.PUBLISH: ("case.publish", ()),
    _E.TELL: ("case.tell", (_TEXT,)),
}


def args_of(event: CaseEvent, form: Form) -> dict[str, Any]:
    """The arguments of a step's act, from the fields of its form."""
    if event is _E.PROPOSE_PENALTY:
        return _proposal(form)
    read = {one.name: _read(form, one) for one in STEPS[event][1] if not one.each}
    if event in {_E.FULFILLED, _E.BROKEN}:
        return {"kept": event is _E.FULFILLED, **read}
    if event in {_E.UPHOLD, _E.REVOKE, _E.CHANGE}:
        fines = _of_each(form, "fine_minor") if event is _E.CHANGE else {}
        return {"event": event.value, "ruling": read["ruling"], "fines": fines}
    if event is _E.DECIDE:
        named = [{"measure": read["measure"], "object_id": read["object_id"]}] if read["measure"] else []
        return {"outcome": read["outcome"], "reasons": read["reasons"], "measures": named}
    if event is _E.EXECUTE:
        paid = form.every("paid_by")
        return {"payments": dict.fromkeys(paid, read["receipt"]) if read["receipt"] else {}}
    return read


def _read(form: Form, asked: Asked) -> Any:
    match asked.of:
        case "fen":
            return form.fen(asked.name)
        case "moment":
            return form.moment(asked.name)
        case "ids":
            return form.text(asked.name).split()
        case _:
            return form.text(asked.name)


def _of_each(form: Form, name: str) -> dict[str, Any]:
    """The sums of a field that is for each party, by party; where nothing is said, nothing."""
    fields = [field for field in form.fields if field.startswith(f"{name}-")]
    said = {field.removeprefix(f"{name}-"): form.fen(field) for field in fields}
    return {org_id: sum_minor for org_id, sum_minor in said.items() if sum_minor is not None}


def _proposal(form: Form) -> dict[str, Any]:
    seqs = form.text("evidence_seqs").replace("#", " ").replace(",", " ").split()
    fines = _of_each(form, "fine_minor")
    return {
        "fines": [
            {"org_id": org_id, "facts": _facts(form, org_id), "fine_minor": fine}
            for org_id, fine in fines.items()
        ],
        "evidence_seqs": seqs,
        "reasons": form.text("reasons"),
    }


def _facts(form: Form, org_id: str) -> dict[str, Any]:
    """What a party's range is made of."""
    sums = {name: form.fen(f"{name}-{org_id}") for name in ("sales_minor", "gains_minor", "deal_minor")}
    count = {
        "code": form.text(f"code-{org_id}"),
        "circumstances": form.every(f"circumstances-{org_id}"),
    }
    facts = {"on": form.text(f"on-{org_id}"), "counts": [count]}
    return facts | {name: value for name, value in sums.items() if value is not None}
