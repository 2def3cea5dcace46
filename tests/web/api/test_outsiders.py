"""Who is no party to anything: a member of each role makes every call that changes something, rightly formed.

The calls come from the OpenAPI document; where an address holds an id it is that of somebody else's trade,
listing, right, certificate, mandate, person. What such a member may begin for itself, or does by its office,
stands in a list here. Everything else is refused, and no row that was there is another one afterwards.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from identity.rules import Role
from tests.standstill import all_rows
from tests.web.api.conftest import Room
from tests.web.api.test_any_input import SETTINGS
from tests.web.api.test_doors import AN_ID, OPEN
from tests.web.nodes import Persona

ROLES: Final = frozenset(Role) - {Role.EXCHANGE_OPERATOR}  # an exchange has one
OFFICERS: Final = {Role.DATA_AUTHORITY, Role.SAMR, Role.CAC, Role.PUBLIC_SECURITY}
ALL: Final = frozenset(role.value for role in ROLES)
SUPERVISORS: Final = {"AUDITOR", "CAC", "DATA_AUTHORITY", "PUBLIC_SECURITY", "SAMR"}
MARKET_WIDE: Final = {"CAC", "DATA_AUTHORITY", "SAMR"}
HOLDERS: Final = {"DATA_MERCHANT", "OPERATING_INSTITUTION", "PROVIDER", "PUBLIC_AGENCY"}
# Its own session, which would end, and its own proof, which is counted.
OWN: Final = {"sign-out", "token", "step-up", "password", "second-factor"}
# What may be begun without being a party, and by whom. What is added here is so on purpose.
MAY: Final[Mapping[str, set[str] | frozenset[str]]] = {
    "/broker-notices/changes": {"BROKER"},
    "/bulletin-subscription": ALL,
    "/bulletin-subscription/end": ALL,
    "/bulletins": {"CAC", "DATA_AUTHORITY", "PUBLIC_SECURITY"},
    "/certificates/{cert_id}/reinstate": {"DATA_AUTHORITY"},
    "/certificates/{cert_id}/suspend": {"DATA_AUTHORITY"},
    "/certificates/{cert_id}/warn": {"DATA_AUTHORITY"},
    "/commission": {"BROKER"},
    "/credentials/issuer": {"DATA_AUTHORITY"},
    "/customs-endpoint": ALL,
    "/customs-networks": {"CAC"},
    "/deals": {"BROKER"},
    "/evidence-packs": SUPERVISORS,
    "/incidents": ALL,
    "/listings/{listing_id}/held-quotes": {"BUYER"},
    "/listings/{listing_id}/inquiries": {"BUYER"},
    "/listings/{listing_id}/resume": MARKET_WIDE,
    "/listings/{listing_id}/suspend": MARKET_WIDE,
    "/lists/demands": {"PUBLIC_AGENCY"},
    "/lists/items": {"DATA_AUTHORITY", "PUBLIC_AGENCY"},
    "/lists/systems": {"PUBLIC_AGENCY"},
    "/negative-lists": {"CAC"},
    "/open-checks": {"CAC", "DATA_AUTHORITY", "PUBLIC_AGENCY"},
    "/organisations/me/statement": ALL,
    "/persons": HOLDERS,
    "/rechecks": SUPERVISORS,
    "/supervision/run": {"CAC", "PUBLIC_SECURITY", "SAMR"},
    "/voucher-issuers": {"OPERATING_INSTITUTION", "PROVIDER", "PUBLIC_AGENCY"},
}
# Rows of nobody in particular: the log as it grows, its own record of refusals, work in the background.
COMMON: Final = ("ledger_", "job", "identity_failed_sign_ins")


def calls(app: FastAPI) -> list[Case]:
    """One rightly formed call of each address that changes something, and asks for a token."""
    found: list[Case] = []
    for one in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = one.ok()
        method, path = operation.method.upper(), operation.path
        if method in {"GET", "HEAD"} or (method, path) in OPEN or OWN & set(path.split("/")):
            continue

        @hypothesis.settings(SETTINGS, max_examples=1)
        @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def keep(case: Case) -> None:
            found.append(case)

        with suppress(Unsatisfiable):
            keep()
    return found


async def others(room: Room) -> dict[str, str]:
    """Whose trade, right, listing it is: not the caller's."""
    rights = await room.served.api(room.market.buyer, "GET", "/entitlements")
    return {
        "trade_id": room.ids["negotiating"],
        "listing_id": room.ids["listed"],
        "cert_id": room.ids["certificate"],
        "mandate_id": room.ids["mandate"],
        "org_id": room.market.people["buyer"].org_id,
        "user_id": room.market.people["second"].user_id,
        "entitlement_id": rights[0]["entitlement_id"],
        "cert_no": "GZ-DB-2026-0001",
        "seq": "0",
        "name": "x",
    }


async def called(room: Room, person: Persona, case: Case, ids: Mapping[str, str], key: str) -> int:
    """Make a call as somebody who has just proved himself; answers its status."""
    await room.served.prove(person)
    headers = {
        "authorization": f"Bearer {room.served.token(person)}",
        "idempotency-key": f"{key}{zlib.crc32(case.path.encode()):x}",
        "file-name": "x.csv",
    }
    if case.media_type:
        headers["content-type"] = case.media_type
    body: dict[str, Any] = {}
    if isinstance(case.body, bytes | str):
        body = {"content": case.body}
    elif isinstance(case.body, dict | list):
        body = {"json": case.body}
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], AN_ID), case.path)
    query = {name: value for name, value in (case.query or {}).items() if name != "wait"}
    answer = await room.http.request(case.method, path, headers=headers, params=query, **body)
    return answer.status_code


@pytest.mark.soak
async def test_who_is_no_party_is_refused_and_moves_nothing_of_anybody_else(room: Room) -> None:
    made, ids = calls(room.served.app), await others(room)
    assert len(made) > 300
    seen: dict[str, set[str]] = defaultdict(set)
    not_barred: set[str] = set()  # by role: what was sent may still name nothing that is there
    ours: list[str] = []
    for role in sorted(ROLES):
        login = f"out-{role.lower().replace('_', '-')}"
        person = await room.served.admit(f"外人{role}", {role.value}, login=login)
        before = await all_rows(room.database)
        for case in made:
            for key in ("first", "again"):  # what is done twice is refused, and no error of ours
                status = await called(room, person, case, ids, f"{key}{role}")
                ours.extend([f"{role} {case.method} {case.path}: {status}"] if status >= 500 else [])
                not_barred.update([case.path.removeprefix("/api/v1")] if status != 403 else [])
                if status >= 300:
                    assert status in {403, 404, 409, 415, 422, 429} or status >= 500, (
                        role,
                        case.path,
                        status,
                    )
                    break
                seen[case.path.removeprefix("/api/v1")].add(role.value)
        if role in OFFICERS:
            continue  # what an office may do to others, the list says
        after = await all_rows(room.database)
        moved = {
            name: gone
            for name, rows in before.items()
            if not name.startswith(COMMON) and (gone := set(map(repr, rows)) - set(map(repr, after[name])))
        }
        assert moved == {}, role
    assert ours == []
    assert {
        path: roles - MAY.get(path, set()) for path, roles in seen.items() if roles - MAY.get(path, set())
    } == {}
    assert MAY.keys() <= not_barred, "what nobody may any more has no place in the list"
