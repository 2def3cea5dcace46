"""What sharing decides, purely: kinds of requests, grounds of refusal, the law's deadlines."""

from datetime import datetime
from enum import StrEnum

from base.calendar import deadline_after
from registry.lists.errors import ListMalformed
from registry.lists.terms import term


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
