"""One's own password and second factor. What is changed here asks for the password in the same call."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field, SecretStr

from identity.repository import get_person
from identity.second_factor import confirm, end, offer, standing
from identity.sessions import end_others
from identity.sign_in import change_password, prove_person
from web.acts import Asked
from web.deps import Caller, CallerDep, ReadDep, caller_setting_up
from web.limits import proved
from web.views import View

router = APIRouter(tags=["sign-in"])
SettingUpDep = Annotated[Caller, Depends(caller_setting_up)]


class PasswordChange(Asked):
    old: SecretStr = Field(max_length=256)
    new: SecretStr = Field(max_length=256)
    code: SecretStr = Field(default=SecretStr(""), max_length=40)


class PasswordChanged(View):
    """How many other sessions were ended."""

    ended: int


class Proof(Asked):
    """The password again; with a second factor in place also a code of it."""

    password: SecretStr = Field(max_length=256)
    code: SecretStr = Field(default=SecretStr(""), max_length=40)


class FactorCode(Asked):
    code: SecretStr = Field(max_length=40)


class FactorView(View):
    """Since when a second factor is on (null: it is not), and how many recovery codes are left."""

    since: datetime | None
    codes_left: int


class OfferedView(View):
    """What goes into an authenticator app: the secret in base32, and the same as an address to be scanned."""

    secret: str
    address: str


class ConfirmedView(View):
    """Ten codes for the day the app is lost, each good once. They are shown now and never again."""

    recovery_codes: list[str]


@router.post("/password")
async def set_password(request: Request, caller: CallerDep, form: PasswordChange) -> PasswordChanged:
    """Set a new password with the old one; every other session is ended."""
    node = caller.node
    ended = await proved(
        request,
        lambda: change_password(
            node.database,
            node.clock,
            user_id=caller.claims.user_id,
            session_id=caller.claims.session_id,
            old=form.old.get_secret_value(),
            new=form.new.get_secret_value(),
            code=form.code.get_secret_value(),
            factors=node.factors,
        ),
    )
    return PasswordChanged(ended=ended)


@router.get("/second-factor")
async def factor(caller: SettingUpDep, s: ReadDep) -> FactorView:
    """Whether a code is asked for when one signs in."""
    return FactorView.model_validate(await standing(s, user_id=caller.claims.user_id))


@router.post("/second-factor")
async def set_up(request: Request, caller: SettingUpDep, form: Proof) -> OfferedView:
    """A new secret for an app. It counts once a code of it has come (`/second-factor/confirm`)."""
    node, user_id = caller.node, caller.claims.user_id
    await _prove(request, caller, form)
    async with node.database.write() as s:
        person = await get_person(s, user_id=user_id)
        assert person is not None
        offered = await offer(
            s,
            node.factors,
            user_id=user_id,
            login=person.login,
            issuer=node.settings.origin,
            now=node.clock.now(),
        )
    return OfferedView(secret=offered.secret, address=offered.address)


@router.post("/second-factor/confirm")
async def begin(caller: SettingUpDep, form: FactorCode) -> ConfirmedView:
    """The first code of the app: from now on a sign-in asks for one, and every other session is ended."""
    node, claims = caller.node, caller.claims
    async with node.database.write() as s:
        now = node.clock.now()
        code = form.code.get_secret_value()
        codes = await confirm(s, node.factors, user_id=claims.user_id, code=code, now=now)
        await end_others(s, user_id=claims.user_id, but=claims.session_id, now=now)
    return ConfirmedView(recovery_codes=list(codes))


@router.post("/second-factor/end", status_code=204)
async def finish(request: Request, caller: CallerDep, form: Proof) -> None:
    """End the second factor, with the password and a code of it."""
    await _prove(request, caller, form)
    async with caller.node.database.write() as s:
        await end(s, user_id=caller.claims.user_id)


async def _prove(request: Request, caller: Caller, form: Proof) -> None:
    node = caller.node
    await proved(
        request,
        lambda: prove_person(
            node.database,
            node.clock,
            user_id=caller.claims.user_id,
            password=form.password.get_secret_value(),
            code=form.code.get_secret_value(),
            factors=node.factors,
        ),
    )
