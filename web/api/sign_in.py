"""Sign in, prove oneself again, sign out (RFC 6749 §4.3 for the form of the token request)."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from pydantic import Field, SecretStr

from identity.sign_in import sign_in, sign_out, step_up
from web.acts import Asked
from web.deps import CallerDep, NodeDep
from web.limits import proved
from web.views import View

router = APIRouter(tags=["sign-in"])


class TokenView(View):
    access_token: str
    token_type: str
    expires_in: int
    scope: str


class StepUpForm(Asked):
    password: SecretStr = Field(max_length=256)


class StepUpView(View):
    proved_at: datetime


@router.post("/token")
async def token(
    request: Request,
    node: NodeDep,
    *,
    username: Annotated[str, Form(max_length=128)],
    password: Annotated[SecretStr, Form(max_length=256)],
    scope: Annotated[str | None, Form(max_length=400)] = None,
    grant_type: Annotated[Literal["password"], Form()] = "password",
) -> TokenView:
    """An access token for a login and a password; unknown and wrong look alike.

    `scope` asks for fewer roles than the person has (names with spaces between).
    """
    del grant_type
    signed = await proved(
        request,
        lambda: sign_in(
            node.database,
            node.clock,
            node.tokens,
            login=username,
            password=password.get_secret_value(),
            scope=scope,
        ),
    )
    issued = signed.token
    return TokenView(
        access_token=issued.access_token,
        token_type=issued.token_type,
        expires_in=issued.expires_in_s,
        scope=issued.scope,
    )


@router.post("/step-up")
async def prove(caller: CallerDep, form: StepUpForm) -> StepUpView:
    """Prove oneself again before a custodial key signs."""
    assert caller.actor.user_id is not None
    proved_at = await step_up(
        caller.node.database,
        caller.node.clock,
        user_id=caller.actor.user_id,
        password=form.password.get_secret_value(),
    )
    return StepUpView(proved_at=proved_at)


@router.post("/sign-out", status_code=204)
async def leave(caller: CallerDep) -> None:
    """Make this token worthless at once."""
    async with caller.node.database.write() as s:
        await sign_out(s, caller.claims)
