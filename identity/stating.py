"""What is done about people is stated too, without saying who they are: `PPL.*`, by the exchange.

A login's id is a random pseudonym; name, login and identity number never reach the ledger. So every
enrolment, identification, closing and reset can be counted and shown, and none can be made to disappear.
"""

from collections.abc import Iterable
from typing import Any, Final

from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft

ENROL: Final = "PPL.ENROL"
IDENTIFY: Final = "PPL.IDENTIFY"
CLOSE: Final = "PPL.CLOSE"
RESET_FACTOR: Final = "PPL.RESET_FACTOR"
DECIDE: Final = "PPL.DECIDE"
# What an operator or an officer does that gives, takes or bends power: listed at one place (`web.asking`).
PRIVILEGED: Final = frozenset(
    {
        *(ENROL, IDENTIFY, CLOSE, RESET_FACTOR, DECIDE),
        *("ORG.ADMIT", "KEY.REGISTER", "KEY.REVOKE", "LOG.GENESIS", "LOG.ROTATE", "LOG.RETIRE", "LOG.CLOSE"),
        "MST.ROTATE",
        *("BAK.TAKE", "BAK.RESTORE", "OPN.ERASE", "ORD.PROPOSE", "ORD.ISSUE", "ORD.WITHDRAW"),
        *("FLG.SET", "FLG.CLEAR", "JOB.RETRY", "PAY.ASCERTAIN", "PAY.REQUEUE", "PAY.RESOLVE"),
        *("TRD.FREEZE", "TRD.UNFREEZE", "TRD.VOID"),
    }
)


async def state(
    s: WriteSession,
    exchange: Act,
    event: str,
    *,
    by: Act,
    user_id: str,
    roles: Iterable[str] = (),
    **more: Any,
) -> None:
    """State an act of somebody (`by`) about a login."""
    said = {"act_id": exchange.new_id("ppl"), "user_id": user_id}  # the same said twice is two acts
    public = {**said, "by_org": by.actor.org_id, "by_user": by.actor.user_id, **more}
    if roles:
        public["roles"] = sorted(str(role) for role in roles)
    await record(s, exchange, Draft(event, user_id, public=public))
