"""What the durable scheduler does for incidents: times that are over, and the watch over the signals."""

from datetime import UTC, datetime
from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import Handlers, Job, enqueue
from cases.incidents.alarming import grown, note_reading
from cases.incidents.clocks import note_due, note_unacknowledged
from cases.incidents.containing import STOP_JOB, stop_more
from cases.incidents.errors import MeasureUnknown
from cases.incidents.gathering import COUNTED_UP, READS, fullest
from cases.incidents.moving import ACK_JOB, DUE_JOB
from cases.incidents.signals import Signal, window
from ledger.acts import House
from ledger.recording import Act

WATCH_JOB: Final = "incident.watch"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def begin_watch(s: WriteSession, *, now: datetime) -> None:
    """Have the signals read at the end of the window that is running, if that is not asked for."""
    await _next(s, now)


async def watch(s: WriteSession, act: Act, *, at: datetime) -> int:
    """Read every signal for the window that has ended, warn where there is something to warn of.

    Answers how many warnings are new, or are the same and open.
    """
    warned = 0
    for signal, read in READS.items():
        value = await read(s, at - window(at), at)
        if value is not None and signal in COUNTED_UP:
            value = await grown(s, signal=signal, total=value, at=at)
        if value is not None:
            row = await note_reading(s, act, signal=signal, value=value, at=at)
            warned += row is not None
    for about, value in (await fullest(s, at)).items():
        signal = Signal.EGRESS_DECLARED
        row = await note_reading(s, act, signal=signal, value=value, about=about, at=at)
        warned += row is not None
    await _next(s, act.now)
    return warned


async def _next(s: WriteSession, now: datetime) -> None:
    span = window(now)
    ends = _EPOCH + span * ((now - _EPOCH) // span + 1)
    payload = {"at": rfc3339(ends)}
    await enqueue(s, kind=WATCH_JOB, key=rfc3339(ends), run_at=ends, payload=payload)


def incident_handlers(house: House) -> Handlers:
    """The clocks of incidents and warnings, on this node."""

    async def on_due(s: WriteSession, job: Job) -> None:
        named = {name: str(job.payload[name]) for name in ("incident_id", "matter", "due_at")}
        await note_due(s, house.exchange_act(), **named)

    async def on_ack(s: WriteSession, job: Job) -> None:
        named = {name: str(job.payload[name]) for name in ("warning_id", "ack_by")}
        await note_unacknowledged(s, house.exchange_act(), **named)

    async def on_stop(s: WriteSession, job: Job) -> None:
        named = {name: str(job.payload[name]) for name in ("incident_id", "order_id")}
        try:
            await stop_more(s, house.exchange_act(), **named)
        except MeasureUnknown:  # lifted meanwhile
            return

    async def on_watch(s: WriteSession, job: Job) -> None:
        await watch(s, house.exchange_act(), at=job.run_at)

    return {DUE_JOB: on_due, ACK_JOB: on_ack, STOP_JOB: on_stop, WATCH_JOB: on_watch}
