"""Who may see an incident: whom it has befallen, the exchange, the authorities that had a report of it."""

from dataclasses import dataclass
from typing import Any

from base.db import ReadSession
from cases.incidents import repository
from cases.incidents.states import OPERATOR, RECEIVERS
from cases.incidents.tables import IncidentRow
from ledger.recording import Actor


@dataclass(frozen=True, slots=True)
class Reach:
    """What one sees: one's own, what was reported to one's offices, everything."""

    org_id: str
    offices: frozenset[str]
    everything: bool

    def asked(self) -> dict[str, Any]:
        """What `repository.incidents` is asked for."""
        if self.everything:
            return {}
        return {"org_id": self.org_id, "reported_to": self.offices or None}

    async def covers(self, s: ReadSession, row: IncidentRow) -> bool:
        """Whether an incident is among it."""
        if self.everything or row.org_id == self.org_id:
            return True
        return bool(self.offices) and await repository.was_reported_to(
            s, incident_id=row.incident_id, receivers=self.offices
        )


def reach_of(actor: Actor) -> Reach:
    """What an actor sees, by its organisation and roles."""
    return Reach(actor.org_id, RECEIVERS & actor.roles, OPERATOR in actor.roles)
