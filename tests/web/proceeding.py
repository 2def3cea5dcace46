"""A case through the doors of the API: verified by one officer, opened by another."""

from typing import Any

from tests.web.nodes import Persona, Served


async def opened_case(served: Served, officer: Persona, finding_id: str, chief: Persona) -> dict[str, Any]:
    """An investigation of a finding."""
    case = await verified_case(served, officer, finding_id)
    opened: dict[str, Any] = await served.api(chief, "POST", f"/cases/{case['case_id']}/open")
    return opened


async def verified_case(served: Served, officer: Persona, finding_id: str) -> dict[str, Any]:
    """A report of a finding that an officer verifies."""
    case = await served.api(officer, "POST", f"/findings/{finding_id}/case")
    await served.api(officer, "POST", f"/cases/{case['case_id']}/triage", {})
    verified: dict[str, Any] = await served.api(officer, "POST", f"/cases/{case['case_id']}/verify")
    return verified
