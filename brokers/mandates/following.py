"""What a certificate's step does to the mandates that rest on it: in the same transaction, right after it.

Out of force: every mandate is frozen. Back in force: they are again, unless they have ended. Lost for good:
they end with it. The certificate is locked by then, so no mandate is accepted beside this.

What else rests on a certificate, in rooms above, is told by a job (`OUT_OF_FORCE_JOB`).
"""

from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from brokers.mandates.moving import move
from brokers.mandates.repository import held_by, terms_by_mandate
from brokers.repository import certificate_in_use
from brokers.rules import IN_FORCE
from brokers.states import CertificateState, MandateEvent, MandateState
from brokers.tables import MandateRow
from ledger.recording import Act

OUT_OF_FORCE_JOB: Final = "brokers.out-of-force"
_LOST: Final = frozenset({CertificateState.REVOKED, CertificateState.EXPIRED, CertificateState.EXITED})


async def follow_certificate(
    s: WriteSession, act: Act, *, org_id: str, before: CertificateState, after: CertificateState
) -> None:
    """MND.FREEZE, MND.UNFREEZE or MND.TERMINATE for each mandate of the broker, as the exchange."""
    if after in _LOST:
        if await _certified_anew(s, act, org_id):
            return
        await _all(s, act, org_id, (MandateState.ACTIVE, MandateState.FROZEN), MandateEvent.TERMINATE)
        await _tell(s, act, org_id)
    elif after is CertificateState.SUSPENDED and before is not after:
        await _all(s, act, org_id, (MandateState.ACTIVE,), MandateEvent.FREEZE)
        await _tell(s, act, org_id)
    elif before is CertificateState.SUSPENDED and after is not before:
        await _all(s, act, org_id, (MandateState.FROZEN,), MandateEvent.UNFREEZE)


async def _tell(s: WriteSession, act: Act, org_id: str) -> None:
    key = f"{org_id}:{rfc3339(act.occurred_at)}"
    await enqueue(s, kind=OUT_OF_FORCE_JOB, key=key, run_at=act.now, payload={"broker_id": org_id})


async def _certified_anew(s: WriteSession, act: Act, org_id: str) -> bool:
    """Whether the broker's next certificate has begun: what one ends, the other bears."""
    held = await certificate_in_use(s, org_id=org_id, at=act.now)
    return held is not None and held.status in IN_FORCE and held.valid_from <= act.now <= held.valid_to


async def _all(
    s: WriteSession, act: Act, org_id: str, states: tuple[MandateState, ...], event: MandateEvent
) -> None:
    rows = await held_by(s, broker_id=org_id, states=states)
    terms = await terms_by_mandate(s, [row.mandate_id for row in rows])
    for row in rows:
        await move(s, act, row, _ended(row, act, event), terms.get(row.mandate_id))


def _ended(row: MandateRow, act: Act, event: MandateEvent) -> MandateEvent:
    """A mandate whose end has come ends of itself, and neither freezes nor comes back."""
    return MandateEvent.EXPIRE if act.now > row.ends_at else event
