"""What was done with an asset certificate: each use that was counted, and each that was refused."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from supervision.evidence.facts import Fact

TableRow = tuple[str, Mapping[str, Any]]
VOUCHER: Final = "vch_"
"""The prefix of a certificate's id, under which what is said of it is laid aside together."""
_VERIFY: Final = "CRT.VERIFY"


def voucher_of(fact: Fact) -> str | None:
    """The certificate that a fact is about; None where it is about none."""
    if fact.event.startswith("CRT.") and fact.object_id.startswith(VOUCHER):
        return fact.object_id
    about = fact.opened.get("object", fact.object_id)
    tried = fact.event == "REF.REFUSE" and fact.opened.get("attempted", fact.said.get("attempted")) == _VERIFY
    return str(about) if tried and str(about).startswith(VOUCHER) else None


def uses_of(facts: Iterable[Fact]) -> Iterator[TableRow]:
    """The uses of one certificate, from what was said of it, first to last."""
    known: dict[str, Any] = {}
    for fact in facts:
        if fact.event == "REF.REFUSE":
            code = fact.opened.get("code", fact.said.get("code"))
            asked = fact.opened.get("facts", {}).get("asked")
            row = {"by_id": fact.said.get("refused"), "outcome": "refused", "code": code}
            yield "voucher_uses", known | _at(fact) | row | {"asked_purpose": asked}
            continue
        names = ("type_id", "subject", "user_id", "provider_id", "purpose")
        told = {name: fact.said[name] for name in names if name in fact.said}
        known |= {("subject_id" if name == "subject" else name): value for name, value in told.items()}
        if fact.event == _VERIFY:
            row = {"by_id": fact.actor, "outcome": "verified", "asked_purpose": known.get("purpose")}
            yield "voucher_uses", known | _at(fact) | row


def _at(fact: Fact) -> dict[str, Any]:
    about = fact.object_id if fact.object_id.startswith(VOUCHER) else fact.opened.get("object")
    return {"voucher_id": about, "at": fact.at, "seq": fact.seq}
