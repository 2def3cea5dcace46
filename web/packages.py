"""The key of a package through the doors, the same for API and pages."""

from datetime import datetime

from pydantic import Field

from base.db import WriteSession
from base.idempotency import Answer
from ledger.recording import Act
from market.delivery.access import Declared
from market.delivery.downloads import ROLE, download_act
from market.delivery.packages.service import EVENT, release_key
from market.delivery.packages.tables import KeyRelease
from market.listings.conditions import Purpose
from web.acts import Asked, Id
from web.deps import Caller
from web.views import View


class ReleaseForm(Asked):
    """For which age key the package's key is wrapped, and what the use is for."""

    age_recipient: str = Field(pattern=r"^age1[02-9ac-hj-np-z]{58}$", max_length=62)
    purpose: Purpose | None = None
    recipient: Id | None = None


class ReleaseView(View):
    """`header` before the package's bytes is an age file that the named key opens."""

    release_id: str
    entitlement_id: str
    age_recipient: str
    header: str
    released_at: datetime

    @classmethod
    def of(cls, row: KeyRelease) -> "ReleaseView":
        return cls(**row.model_dump(include=set(cls.model_fields) - {"header"}), header=row.header.decode())


async def release(caller: Caller, entitlement_id: str, form: ReleaseForm) -> Answer:
    """Have the package's key released for an age key of one's own. Raises what `release_key` raises."""
    caller.require(ROLE)
    node = caller.node

    async def released(s: WriteSession, act: Act) -> KeyRelease:
        return await release_key(
            s,
            act,
            master=node.safe.master,
            entitlement_id=entitlement_id,
            age_recipient=form.age_recipient,
            declared=Declared(form.purpose, form.recipient),
        )

    return await caller.perform(
        released,
        ReleaseView.of,
        route=f"package-key/{entitlement_id}",
        args=form.model_dump(mode="json"),
        act=download_act(node.house, caller.actor),
        attempted=EVENT,
        object_id=entitlement_id,
    )
