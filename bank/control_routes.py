"""The control endpoints, there only when asked for, and only for the control token."""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bank import control, outbox
from bank.forms import ClockForm, CorrectionForm, FaultForm
from bank.opening import Bank
from base.clock import rfc3339
from base.errors import Unauthenticated

_BEARER = HTTPBearer(auto_error=False)


def control_router(bank: Bank, token: str) -> APIRouter:
    """The router; every route asks for the token first."""

    def controller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        given = credentials.credentials if credentials is not None else ""
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Unauthenticated("the control token is asked for")

    desk = bank.desk
    router = APIRouter(prefix="/control", dependencies=[Depends(controller)])

    @router.post("/faults", status_code=201)
    def arm(form: FaultForm) -> dict[str, Any]:
        """Make the next matching events go wrong."""
        with desk.store.write() as db:
            return control.arm(
                db,
                kind=form.kind,
                times=form.times,
                pattern=form.match,
                side=form.on,
                delta_minor=form.delta_minor,
            )

    @router.get("/faults")
    def armed() -> list[dict[str, Any]]:
        """Every fault and what is left of it."""
        with desk.store.read() as db:
            return control.armed(db)

    @router.post("/flush")
    def flush() -> dict[str, int]:
        """Send everything that waits, is held or was refused as a debit; answers when it is done."""
        return bank.courier.flush()

    @router.get("/outbox")
    def sent() -> list[dict[str, Any]]:
        """The newest messages to the exchange, with their envelopes."""
        with desk.store.read() as db:
            return outbox.shown(db)

    @router.post("/clock")
    def clock(form: ClockForm) -> dict[str, str]:
        """Move the simulated clock forward."""
        with desk.store.write() as db:
            return {"now": rfc3339(desk.clock.set(db, form.at))}

    @router.post("/corrections")
    def correct(form: CorrectionForm) -> dict[str, Any]:
        """Book what makes a payout, or a transfer into escrow, right again."""
        with desk.store.write() as db:
            if form.transfer_id is not None:
                return control.correct_transfer(db, desk.house, desk.clock, form.transfer_id)
            return control.correct(db, desk.house, desk.clock, form.end_to_end_id or "")

    return router
