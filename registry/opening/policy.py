"""The terms of an authorised opening: an ODRL 2.2 Agreement, canonical, both sign its digest. Pure."""

from datetime import datetime
from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339

CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
PROFILE: Final = "urn:databourse:odrl:1"
_PURPOSE: Final = f"{PROFILE}:purpose:"
_ORG: Final = "urn:databourse:org:"


def build(
    *,
    agreement_id: str,
    data_id: str,
    agency_id: str,
    user_id: str,
    purposes: list[str],
    valid_from: datetime,
    valid_to: datetime,
) -> bytes:
    """The policy as canonical JSON-LD: use for these purposes within the term; not passed on; attributed."""
    target, user = f"urn:databourse:data:{data_id}", f"{_ORG}{user_id}"
    bounds = [
        _constraint("purpose", "isAnyOf", [{"@id": f"{_PURPOSE}{one}"} for one in purposes]),
        _constraint("dateTime", "gteq", _moment(valid_from)),
        _constraint("dateTime", "lteq", _moment(valid_to)),
    ]
    return canonical(
        {
            "@context": CONTEXT,
            "@type": "Agreement",
            "uid": f"urn:databourse:agreement:{agreement_id}",
            "profile": PROFILE,
            "permission": [
                {
                    "target": target,
                    "assigner": f"{_ORG}{agency_id}",
                    "assignee": user,
                    "action": "use",
                    "constraint": bounds,
                    "duty": [{"action": "attribute", "attributedParty": f"{_ORG}{agency_id}"}],
                }
            ],
            "prohibition": [{"target": target, "assignee": user, "action": "distribute"}],
        }
    )


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _moment(at: datetime) -> dict[str, str]:
    return {"@value": rfc3339(at), "@type": "xsd:dateTime"}
