"""What is another's is not there: each address of the duties of security answers as it does for no record.

A stranger of the same roles asks once for what is there and once for what is not: the same status, the same
code, whatever the state of the record; nothing but the record of a refusal is stored.
"""

from typing import Any

import httpx

from base.ids import Seed
from registry.assessments.rules import CONTENTS, AssessmentKind
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.test_persons import ONE, OTHER, by, person

PARTS = dict.fromkeys(CONTENTS[AssessmentKind.PIPIA], "写明")
WHY, SAID, SHA = {"reason": "x"}, {"text": "x"}, "a" * 64
FACTS = {"facts": {"kind": "LEAK"}}
DOORS: dict[str, dict[str, Any]] = {
    "assessments": {
        "": None,
        "/revise": {"contents": PARTS},
        "/submit": {"reviewer_id": "org_"},
        "/withdraw": {},
        "/return": WHY,
        "/conclude": {"outcome": "PASS", "opinion": "x"},
        "/remedies": {"no": 1, "text": "x", "evidence_sha256": SHA},
        "/findings": {"no": 1, "closed": True, "reason": "x"},
        "/end": WHY,
        "/revoke": WHY,
    },
    "risk-assessments": {
        "": None,
        "/start": {},
        "/complete": {"report": {}},
        "/report": {},
        "/finish": {},
        "/rectify": {"text": "x", "evidence_sha256": SHA},
    },
    "confidential": {
        "": None,
        "/readers": {"reader_id": "org_", "reason": "x"},
        "/readers/end": {"reader_id": "org_", "reason": "x"},
        "/accesses": {"purpose": "x"},
        "/accesses/1/content": None,
        "/lift": WHY,
        "/log": None,
    },
    "assessors": {"": None, "/withdraw": {}, "/end": WHY},
    "incidents": {
        "": None,
        "/grade": FACTS,
        "/regrade": FACTS | WHY,
        "/evidence": {"sha256": SHA, "note": "x"},
        "/reports": {"receiver": "CAC", "text": "x"},
        "/contain": SAID,
        "/subjects": {"persons": 1, "what": "x", "harm": "x", "measures": "x", "contact": "x"},
        "/spare": {"grounds": "x"},
        "/eradicate": SAID,
        "/review": {"cause": "x", "course": "x", "lessons": "x", "actions": "x"},
    },
    "bulletins": {"": None, "/advisory": None, "/receipts": None, "/receive": {}},
    "persons": {"/recall": {}},
    "consent-wordings": {"/retire": {}},
    "person-consents": {"": None},
    "my-data/consents": {"": None, "/withdraw": {}},
    "my-data/requests": {"/finish": {}, "/complain": SAID},
}
UNKNOWN = {"not-found", "security-record-unknown", "incident-unknown", "bulletin-unknown"}
UNKNOWN |= {"subject-record-unknown", "confidentiality-refused", "forbidden"}
"""`forbidden`: none of one's roles does this. To read what is confidential is refused, and that is stated."""


async def records(room: Room) -> dict[str, str]:
    """A record of each kind that is the provider's, another's, or a person's."""
    provider, operator = await room.desk("provider"), await room.desk("operator")
    authority = await room.desk("authority")
    product_id = (await operator.get(f"/listings/{room.ids['listed']}"))["product_id"]
    about = {"object_id": product_id, "kind": "PIPIA", "uses": ["LISTING"], "contents": PARTS}
    marked = {"secrecy": "TRADE_SECRET", "title": "x", "until": "2027-11-16T00:00:00Z", "sha256": SHA}
    one = await person(room, ONE)
    bulletin = {"title": "x", "text": "x", "colour": "BLUE", "address": {"roles": ["BROKER"]}}
    third = await room.served.admit("南方数安评估", {"THIRD_PARTY"}, login="assessor")
    assessor = await Desk(room.http, "assessor", third.org_id).sign_in()
    fit = {"trades": ["PIPIA"], "staff": 8, "years": 4, "certificate_sha256": SHA}
    asked = {"tie_id": one["tie_id"], "kind": "ACCESS", "text": "请告知"}
    filed = await by(room, one, "POST", "/requests", asked)
    return {
        "assessments": (await provider.act("/assessments", about))["assessment_id"],
        "risk-assessments": (await authority.act("/risk-assessments", {"handler_id": provider.org_id}))[
            "risk_id"
        ],
        "confidential": (await provider.act("/confidential", marked))["item_id"],
        "assessors": (await assessor.act("/assessors", fit))["assessor_id"],
        "incidents": (await provider.act("/incidents", {"title": "x", "text": "x", **FACTS}))["incident_id"],
        "bulletins": (await operator.act("/bulletins", bulletin))["bulletin_id"],
        "persons": one["tie_id"],
        "my-data/requests": filed.json()["request_id"],
    }


async def test_what_is_anothers_answers_as_what_is_not_there(room: Room) -> None:
    found = await records(room)
    strangers = []
    for number, roles in enumerate(({"PROVIDER", "BUYER"}, {"THIRD_PARTY"}, {"PUBLIC_AGENCY"})):
        admitted = await room.served.admit(f"外人{number}", roles, login=f"stranger{number}")
        strangers.append(await Desk(room.http, f"stranger{number}", admitted.org_id).sign_in())
    other = await person(room, OTHER)
    told, wrong = set(), []
    for desk in strangers:
        for kind, record_id in found.items():
            nobody = Seed().new_id(record_id[:3], room.served.clock.now())
            for tail, body in DOORS[kind].items():
                both = [
                    await asked(room, desk, other, f"/{kind}/{one}{tail}", body)
                    for one in (record_id, nobody)
                ]
                first, second = [(one.status_code, one.json().get("code")) for one in both]
                if first != second or first[1] not in UNKNOWN:
                    wrong.append((desk.login, kind, tail, first, second))
                if first[1] != "forbidden":
                    told.add((kind, tail))
    assert wrong == []
    assert {(kind, tail) for kind in found for tail in DOORS[kind]} - told == set(), (
        "somebody was let that far"
    )


async def asked(room: Room, desk: Desk, other: dict[str, Any], path: str, body: Any) -> httpx.Response:
    method = "GET" if body is None else "POST"
    if path.startswith("/my-data"):
        return await by(room, other, method, path.removeprefix("/my-data"), body)
    said = body and {name: desk.org_id if one == "org_" else one for name, one in body.items()}
    answer = await desk.call(method, path, said)
    while answer.status_code == 202:
        answer = await desk.submit(answer.content)
    return answer
