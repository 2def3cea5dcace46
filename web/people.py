"""What is done about people of members, the same for API and pages. It is stated, and not who they are."""

from typing import Any

from pydantic import Field, SecretStr

from base.db import WriteSession
from base.errors import NotFound
from base.idempotency import Answer
from identity.contesting import contest_identity, decide_contest
from identity.errors import NotYourOrganisation, PersonsBound
from identity.passwords import PasswordHash, hash_password
from identity.repository import get_person
from identity.rules import Role
from identity.second_factor import end as end_factor
from identity.service import deactivate_person, enrol_person, identify_person
from identity.stating import CLOSE, DECIDE, ENROL, IDENTIFY, RESET_FACTOR, state
from ledger.recording import Act
from web.acts import Asked
from web.deps import Caller
from web.views import ContestView, PersonView

ANYBODY = frozenset(role.value for role in Role)


class PersonForm(Asked):
    """A person as it is enrolled; without roles it has its organisation's."""

    login: str = Field(max_length=128)
    name: str = Field(min_length=1, max_length=200)
    password: SecretStr = Field(max_length=256)
    id_number: SecretStr | None = Field(
        default=None, max_length=40, description="Of the resident identity card; kept nowhere but as a mark"
    )
    roles: list[Role] | None = Field(default=None, max_length=12)


async def enrol(caller: Caller, org_id: str, form: PersonForm) -> Answer:
    """Enrol a person of one's organisation, or of any as the operator.

    Raises NotYourOrganisation, and what `identity.service.enrol_person` raises.
    """
    operator = "EXCHANGE_OPERATOR" in caller.actor.roles
    if not operator and caller.actor.org_id != org_id:
        raise NotYourOrganisation("people are enrolled by their organisation or the operator")
    caller.require(*ANYBODY)
    mark = None if form.id_number is None else caller.node.safe.mark(form.id_number.get_secret_value())
    password: PasswordHash = await hash_password(form.password.get_secret_value(), login=form.login)

    async def enrolled(s: WriteSession, act: Act) -> Any:
        person = await enrol_person(
            s,
            act,
            org_id=org_id,
            login=form.login,
            name=form.name,
            password=password,
            roles=form.roles,
            mark=mark,
        )
        exchange, who = caller.node.house.exchange_act(), person.user_id
        await state(s, exchange, ENROL, by=act, user_id=who, roles=person.roles, org_id=org_id)
        return person

    return await caller.perform(
        enrolled,
        PersonView.of,
        route=f"enrol/{org_id}",
        args={
            **form.model_dump(mode="json"),
            "password": form.password.get_secret_value(),
            "id_number": mark,
        },
        act=_unsigned(caller),
        attempted="PERSON.ENROL",
        object_id=org_id,
    )


async def identify(caller: Caller, user_id: str, id_number: str) -> Answer:
    """Say which natural person a login belongs to, as the operator or for one's own organisation.

    Raises IdNumberInvalid, and what `identity.service.identify_person` raises.
    """
    caller.require(*ANYBODY)
    mark = caller.node.safe.mark(id_number)

    async def identified(s: WriteSession, act: Act) -> Any:
        person = await identify_person(s, act, user_id=user_id, mark=mark)
        await state(s, caller.node.house.exchange_act(), IDENTIFY, by=act, user_id=user_id)
        return person

    return await caller.perform(
        identified,
        PersonView.of,
        route=f"identify/{user_id}",
        args={"mark": mark},
        act=_unsigned(caller),
        attempted="PERSON.IDENTIFY",
        object_id=caller.actor.org_id,  # what is refused is stated, and a person is no public matter
        status=200,
    )


async def contest(caller: Caller) -> Answer:
    """Object that another organisation has a login under one's own number.

    Raises what `identity.contesting.contest_identity` raises.
    """
    caller.require(*ANYBODY)
    return await caller.perform(
        contest_identity,
        ContestView.of,
        route="contest",
        args={},
        act=_unsigned(caller),
        attempted="PERSON.CONTEST",
        object_id=caller.actor.org_id,
    )


async def decide(caller: Caller, contest_id: str, struck: list[str]) -> Answer:
    """Strike the number from logins that are somebody else's, as an officer of the operator.

    Raises what `identity.contesting.decide_contest` raises.
    """
    caller.require("EXCHANGE_OPERATOR")

    async def decided(s: WriteSession, act: Act) -> Any:
        decided = await decide_contest(s, act, contest_id=contest_id, struck=struck)
        exchange, who, found = caller.node.house.exchange_act(), decided.user_id, decided.struck
        await state(s, exchange, DECIDE, by=act, user_id=who, contest_id=contest_id, struck=found)
        return decided

    return await caller.perform(
        decided,
        ContestView.of,
        route=f"contest/{contest_id}",
        args={"struck": struck},
        act=_unsigned(caller),
        attempted="PERSON.CONTEST",
        object_id=caller.actor.org_id,
        status=200,
    )


async def close(caller: Caller, user_id: str) -> Answer:
    """Close a login of one's organisation, or of any as the operator: every token of it is worthless at once.

    Raises NotFound.
    """
    caller.require(*ANYBODY)

    async def closed(s: WriteSession, act: Act) -> Any:
        person = await deactivate_person(s, act, user_id=user_id)
        await state(s, caller.node.house.exchange_act(), CLOSE, by=act, user_id=user_id)
        return person

    return await caller.perform(
        closed,
        PersonView.of,
        route=f"close/{user_id}",
        args={},
        act=_unsigned(caller),
        attempted=CLOSE,
        object_id=caller.actor.org_id,
        status=200,
    )


async def reset_factor(caller: Caller, user_id: str) -> Answer:
    """End a second factor whose owner has lost app and recovery codes; by the operator, never one's own.

    Raises OperatorOnly, PersonsBound for one's own, NotFound, SecondFactorAbsent.
    """
    caller.require("EXCHANGE_OPERATOR")

    async def reset(s: WriteSession, act: Act) -> Any:
        person = await get_person(s, user_id=user_id)
        if person is None:
            raise NotFound("no such person", user_id=user_id)
        if user_id == act.actor.user_id:
            raise PersonsBound("another officer does this", user_id=user_id)
        await end_factor(s, user_id=user_id)
        await state(s, caller.node.house.exchange_act(), RESET_FACTOR, by=act, user_id=user_id)
        return person

    return await caller.perform(
        reset,
        PersonView.of,
        route=f"reset-factor/{user_id}",
        args={},
        act=_unsigned(caller),
        attempted=RESET_FACTOR,
        object_id=caller.actor.org_id,
        status=200,
    )


def _unsigned(caller: Caller) -> Act:
    """An act of the caller's that the exchange states for them."""
    house = caller.node.house
    operator = "EXCHANGE_OPERATOR" in caller.actor.roles
    role = "EXCHANGE_OPERATOR" if operator else min(caller.actor.roles)
    return house.act(caller.actor, role, house.exchange.pen)
