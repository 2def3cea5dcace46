"""Privileged acts are found at one place, and each of them is a statement that the audit knows."""

from identity.stating import PRIVILEGED
from supervision.audit_moves import SPEAKERS
from web.asking import PRIVILEGED_ACTS, Question
from web.pages.words import EVENTS

OF_THE_LOG_AND_ITS_KEYS = {
    "KEY.REGISTER",
    "KEY.REVOKE",
    "LOG.GENESIS",
    "LOG.ROTATE",
    "LOG.RETIRE",
    "LOG.CLOSE",
}
OF_TRADES = {"TRD.FREEZE", "TRD.UNFREEZE", "TRD.VOID"}


def test_each_privileged_act_is_one_that_the_audit_judges_and_that_has_words() -> None:
    assert PRIVILEGED - SPEAKERS.keys() <= OF_THE_LOG_AND_ITS_KEYS | OF_TRADES
    assert EVENTS.keys() >= PRIVILEGED


async def test_the_trail_is_asked_for_all_of_them_by_one_word() -> None:
    wanted = await Question.read({"action": PRIVILEGED_ACTS}).wanted(None)  # type: ignore[arg-type]
    assert (wanted.events, wanted.group) == (PRIVILEGED, None)
    one = await Question.read({"action": "KEY"}).wanted(None)  # type: ignore[arg-type]
    assert (one.events, one.group) == (None, "KEY")
