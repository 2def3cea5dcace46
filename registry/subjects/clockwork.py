"""What the durable scheduler does when something of a data subject falls due."""

from base.db import WriteSession
from base.ids import is_id
from base.jobs import Handlers, Job
from ledger.acts import House
from registry.subjects import asking, consenting, entering, telling
from registry.subjects.moving import DUE_JOB


def subject_handlers(house: House) -> Handlers:
    """The clocks of invitations, consents, duties to delete and requests, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        record_id, act = job.payload["record_id"], house.exchange_act()
        if is_id(record_id, "sbt"):
            await entering.lapse(s, act, tie_id=record_id)
        elif is_id(record_id, "sgc"):
            await consenting.fall_due(s, act, given_id=record_id)
        elif is_id(record_id, "sdd"):
            await telling.fall_due(s, act, deletion_id=record_id)
        else:
            await asking.fall_due(s, act, request_id=record_id)

    return {DUE_JOB: on_due}
