"""Sign in, prove oneself again, sign out (RFC 6749 §4.3 for the form of the token request)."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from pydantic import Field, SecretStr

from identity.sessions import end_session, sessions_of
from identity.sign_in import sign_in, sign_out, step_up
from web.acts import Asked
from web.deps import CallerDep, NodeDep, ReadDep
from web.limits import proved
from web.views import View

router = APIRouter(tags=["sign-in"])
_NO_CODE: Final = SecretStr("")


class TokenView(View):
    access_token: str
    token_type: str
    expires_in: int
    scope: str


class StepUpForm(Asked):
    password: SecretStr = Field(max_length=256)


class StepUpView(View):
    proved_at: datetime


class SessionView(View):
    """A sign-in with the tokens that renewed it; `this` is the one that asks."""

    session_id: str
    agent: str
    started_at: datetime
    ends_at: datetime
    this: bool = False


@router.post("/token")
async def token(
    request: Request,
    node: NodeDep,
    *,
    username: Annotated[str, Form(max_length=128)],
    password: Annotated[SecretStr, Form(max_length=256)],
    scope: Annotated[str | None, Form(max_length=400)] = None,
    code: Annotated[SecretStr, Form(max_length=40)] = _NO_CODE,
    grant_type: Annotated[Literal["password"], Form()] = "password",
) -> TokenView:
    """An access token for a login and a password; unknown and wrong look alike.

    `scope` asks for fewer roles than the person has (names with spaces between). `code` is one of the second
    factor, where there is one. An empty scope in the answer: your role asks for one, set it up first.
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
            agent=request.headers.get("user-agent", ""),
            code=code.get_secret_value(),
            factors=node.factors,
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
        await sign_out(s, caller.claims, now=caller.node.clock.now())


@router.get("/sessions")
async def sessions(caller: CallerDep, s: ReadDep) -> list[SessionView]:
    """Where one is signed in, the newest first."""
    rows = await sessions_of(s, user_id=caller.claims.user_id, now=caller.node.clock.now())
    this = caller.claims.session_id
    return [
        SessionView.model_validate(row).model_copy(update={"this": row.session_id == this}) for row in rows
    ]


@router.delete("/sessions/{session_id}", status_code=204)
async def end(session_id: Annotated[str, Path(max_length=40)], caller: CallerDep) -> None:
    """End one of one's sessions: its tokens are worthless at once."""
    async with caller.node.database.write() as s:
        await end_session(
            s, user_id=caller.claims.user_id, session_id=session_id, now=caller.node.clock.now()
        )
