"""Carries the outbox to the exchange: at once, then again with growing pauses, until it is answered."""

import logging
from threading import Condition, Event, Thread
from time import monotonic
from typing import Final

from bank import outbox, transfers
from bank.clock import BankClock
from bank.link import Answer, ExchangeLink
from bank.repository import House
from bank.store import Store

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_STUMBLE_PAUSE_S: Final = 1.0
_STOP_S: Final = 15.0

log = logging.getLogger("bank.courier")


class Courier:
    """Delivers messages. One message is carried by one thread at a time; what counts is in the file."""

    def __init__(self, store: Store, house: House, clock: BankClock, link: ExchangeLink) -> None:
        self._store, self._house, self._clock, self._link = store, house, clock, link
        self._busy: set[str] = set()
        self._free = Condition()
        self._failures: dict[str, tuple[int, float]] = {}  # message → (times, not before)
        self._wake, self._stopping = Event(), False
        self._thread = Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._wake.set()
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(_STOP_S)

    def wake(self) -> None:
        """There may be something to carry."""
        self._wake.set()

    def deliver(self, message_id: str) -> None:
        """Carry one message now, unless it is held or decided; waits if another thread has it in hand."""
        with self._free:
            self._free.wait_for(lambda: message_id not in self._busy)
            self._busy.add(message_id)
        try:
            self._carry(message_id)
        except Exception:
            self._put_off(message_id, Answer(None, error="stumbled"))  # the others go first now
            raise
        finally:
            with self._free:
                self._busy.discard(message_id)
                self._free.notify_all()
        self._wake.set()

    def flush(self) -> dict[str, int]:
        """Release everything held or refused and carry it now. Returns how many were sent, by outcome."""
        with self._store.write() as db:
            released = outbox.release(db)
        for message_id in released:
            self.deliver(message_id)
        with self._store.read() as db:
            outcomes = [str(outbox.message(db, message_id)["status"]) for message_id in released]
        return {status: outcomes.count(status) for status in ("delivered", "refused", "waiting")}

    def _carry(self, message_id: str) -> None:
        with self._store.read() as db:
            row = outbox.message(db, message_id)
        if row["status"] != "waiting" or row["hold"] is not None:
            return
        answer = self._link.notify(row["envelope"])
        with self._store.write() as db:
            decided = outbox.note(db, message_id, answer)
            if decided and row["kind"] == outbox.CREDIT:
                transfers.conclude(db, self._house, self._clock, row["about"], answer.problem)
        if answer.decides:
            self._failures.pop(message_id, None)
            for _ in range(1, row["copies"]):
                self._link.notify(row["envelope"])
        else:
            self._put_off(message_id, answer)

    def _put_off(self, message_id: str, answer: Answer) -> None:
        times = self._failures.get(message_id, (0, 0.0))[0] + 1
        pause = min(_FIRST_PAUSE_S * 2 ** min(times - 1, 16), _LONGEST_PAUSE_S)
        self._failures[message_id] = (times, monotonic() + pause)
        log.warning(
            "message %s not answered (%s), trying again in %.1f s", message_id, answer.summary(), pause
        )

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                pause = self._round()
            except Exception:  # what waits is in the file, and is tried again
                log.exception("the courier stumbled")
                pause = _STUMBLE_PAUSE_S
            self._wake.wait(pause)

    def _round(self) -> float | None:
        """Carry what is due. Returns the seconds until the next is, or None if nothing waits."""
        with self._store.read() as db:
            waiting = outbox.due(db)
        for message_id in waiting:
            if self._stopping:
                return None
            if self._not_before(message_id) <= monotonic():
                self.deliver(message_id)
        with self._store.read() as db:
            waiting = outbox.due(db)
        if not waiting:
            return None
        return max(0.0, min(self._not_before(message_id) for message_id in waiting) - monotonic())

    def _not_before(self, message_id: str) -> float:
        return self._failures.get(message_id, (0, 0.0))[1]
