"""What sharing decides, purely: kinds of requests, grounds of refusal, the law's deadlines."""

from datetime import datetime
from enum import StrEnum

from base.calendar import deadline_after
from registry.lists.errors import ListMalformed, ShareClosed
from registry.lists.rules import Listed, ShareKind
from registry.lists.terms import term
from registry.rules import Level, rank


class ShareType(StrEnum):
    """What an agency asks of another: data, a correction, or its own data back from above (回流)."""

    SHARE = "SHARE"
    CORRECTION = "CORRECTION"
    BACKFLOW = "BACKFLOW"


class RefusalGround(StrEnum):
    """Why an agency does not share, or does not correct."""

    LAW = "LAW"  # a law or a decision of the State Council says so
    BEYOND_DUTY = "BEYOND_DUTY"  # the requester's duty does not need it
    SECURITY = "SECURITY"
    NOT_HELD = "NOT_HELD"
    CORRECT_AS_IS = "CORRECT_AS_IS"  # of a correction: the data is right


def due_after(name: str, at: datetime) -> datetime:
    """When a period of the rule table that begins now is over: the end of its last working day.

    `name` is `answer`, `serve`, `correct`, `escalate`, `coordinate` or `conflict`.
    """
    return deadline_after(at, term("SHARE", name, at).whole).at


def check_ground(kind: ShareType, ground: RefusalGround) -> None:
    """That data is right as it is refuses a correction, and nothing else. Raises ListMalformed."""
    if ground is RefusalGround.CORRECT_AS_IS and kind is not ShareType.CORRECTION:
        raise ListMalformed("this ground refuses a correction", fields=["ground"])


def at_once(kind: ShareType, share: ShareKind, level: Level) -> bool:
    """Whether a request is granted as it is asked: data that is shared without condition, below general-3."""
    below = rank(level) < rank(Level.GENERAL_3)
    return kind is ShareType.SHARE and share is ShareKind.UNCONDITIONAL and below


def check_handed(kind: ShareType, *, listed: Listed, share: ShareKind, level: Level, taken: bool) -> None:
    """That what was granted may be handed over as the entry is now; `taken`: nobody was asked.

    A correction hands nothing over, and important and core data goes no such way. Raises ShareClosed.
    """
    if kind is ShareType.CORRECTION:
        raise ShareClosed("a correction hands nothing over", kind=kind.value)
    if listed is not Listed.LISTED or share is ShareKind.NOT_SHARED:
        raise ShareClosed("this data is shared no more", listed=listed.value, share=share.value)
    if rank(level) > rank(Level.GENERAL_4):
        raise ShareClosed("data of this level is not handed over here", level=level.value)
    if taken and not at_once(kind, share, level):
        raise ShareClosed("this is no longer had without its agency's word: ask again", level=level.value)
