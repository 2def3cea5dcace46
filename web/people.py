"""Enrolling people of members, the same for API and pages. No statement is made: it is personal data."""

from typing import Any

from pydantic import Field, SecretStr

from base.db import WriteSession
from base.idempotency import Answer
from identity.errors import NotYourOrganisation
from identity.passwords import PasswordHash, hash_password
from identity.rules import Role
from identity.service import enrol_person
from ledger.recording import Act
from web.acts import Asked
from web.deps import Caller
from web.views import PersonView

ANYBODY = frozenset(role.value for role in Role)


class PersonForm(Asked):
    """A person as it is enrolled; without roles it has its organisation's."""

    login: str = Field(max_length=128)
    name: str = Field(min_length=1, max_length=200)
    password: SecretStr = Field(max_length=256)
    roles: list[Role] | None = Field(default=None, max_length=12)


async def enrol(caller: Caller, org_id: str, form: PersonForm) -> Answer:
    """Enrol a person of one's organisation, or of any as the operator.

    Raises NotYourOrganisation, and what `identity.service.enrol_person` raises.
    """
    operator = "EXCHANGE_OPERATOR" in caller.actor.roles
    if not operator and caller.actor.org_id != org_id:
        raise NotYourOrganisation("people are enrolled by their organisation or the operator")
    caller.require(*ANYBODY)
    password: PasswordHash = await hash_password(form.password.get_secret_value(), login=form.login)

    async def enrolled(s: WriteSession, act: Act) -> Any:
        return await enrol_person(
            s, act, org_id=org_id, login=form.login, name=form.name, password=password, roles=form.roles
        )

    house = caller.node.house
    role = "EXCHANGE_OPERATOR" if operator else min(caller.actor.roles)
    return await caller.perform(
        enrolled,
        PersonView.of,
        route=f"enrol/{org_id}",
        args={**form.model_dump(mode="json"), "password": form.password.get_secret_value()},
        act=house.act(caller.actor, role, house.exchange.pen),
        attempted="PERSON.ENROL",
        object_id=org_id,
    )
