"""What is opened first: by demand, and what serves livelihoods before other things (R21). Pure.

Every point has its reason, so that the first rows of a plan explain themselves. Equal scores are in the
order of the entries' ids, which is that of their listing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from registry.lists.rules import normal
from registry.opening.rules import Mode
from registry.opening.terms import term
from registry.rules import Allowance, Channel, Level, allowance

LIVELIHOODS: Final[Mapping[str, tuple[str, ...]]] = {
    "education": ("教育", "学校", "学位", "招生", "幼儿园"),
    "health": ("医疗", "卫生", "健康", "医院", "疫苗", "药品"),
    "employment": ("就业", "招聘", "职业", "技能培训"),
    "social-security": ("社会保障", "社保", "医保", "养老", "救助", "低保"),
    "housing": ("住房", "公租房", "房屋", "物业"),
    "transport": ("交通", "公交", "地铁", "停车", "出行"),
    "food": ("食品", "餐饮", "农产品", "粮食"),
    "environment": ("空气质量", "水质", "环境", "气象", "垃圾"),
    "culture": ("文化", "图书馆", "体育", "公园", "旅游"),
    "safety": ("消防", "应急", "避难", "治安"),
    "care": ("残疾", "儿童", "托育", "无障碍", "老年"),
}
"""Livelihood tags (民生) and the words that show them in a name, a theme, an abstract, a purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry of the demand list that a data entry meets: its id, whose it is, what for."""

    demand_id: str
    agency_id: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A data entry that could be opened."""

    data_id: str
    name: str
    theme: str
    abstract: str
    level: Level
    mounted: bool
    wanted: Sequence[Wanted] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a row has so many points: what for, how many, and the demands or words that show it."""

    what: str
    points: int
    shown_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate in its place, the points explained; `mode` is the widest that its level allows."""

    rank: int
    data_id: str
    name: str
    score: int
    mode: Mode
    reasons: tuple[Reason, ...]

    def document(self) -> dict[str, Any]:
        """As a plan keeps it."""
        return {
            "rank": self.rank,
            "data_id": self.data_id,
            "name": self.name,
            "score": self.score,
            "mode": self.mode.value,
            "reasons": [
                {"what": one.what, "points": one.points, "shown_by": list(one.shown_by)}
                for one in self.reasons
            ],
        }


def livelihoods_of(*texts: str) -> dict[str, str]:
    """The tags that texts show, each with the first word that shows it."""
    plain = normal(" ".join(texts))
    found = {tag: next((word for word in words if word in plain), None) for tag, words in LIVELIHOODS.items()}
    return {tag: word for tag, word in found.items() if word is not None}


def widest(level: Level) -> Mode | None:
    """The widest mode of a level; None for one that is opened in none of them."""
    if allowance(level, Channel.OPEN) in {Allowance.YES, Allowance.CONDITIONAL}:
        return Mode.OPEN
    return Mode.TARGETED if allowance(level, Channel.TARGETED) is Allowance.YES else None


def ranking(candidates: Collection[Candidate], at: datetime) -> list[Ranked]:
    """Who comes first, by the weights in force on a day. What its level keeps closed is not in it."""
    scored = []
    for one in candidates:
        mode = widest(one.level)
        if mode is not None:
            reasons = _reasons(one, mode, at)
            scored.append((sum(reason.points for reason in reasons), one, mode, reasons))
    scored.sort(key=lambda found: (-found[0], found[1].data_id))
    return [
        Ranked(rank=rank, data_id=one.data_id, name=one.name, score=score, mode=mode, reasons=reasons)
        for rank, (score, one, mode, reasons) in enumerate(scored, 1)
    ]


def _reasons(one: Candidate, mode: Mode, at: datetime) -> tuple[Reason, ...]:
    def points(name: str) -> int:
        return term("OPEN-PRIORITY", name, at).whole

    found: list[Reason] = []
    askers = {wanted.agency_id for wanted in one.wanted}
    if askers:
        earned = min(points("demand") * len(askers), points("demand_most"))
        ids = tuple(sorted(wanted.demand_id for wanted in one.wanted))
        found.append(Reason(what="demand", points=earned, shown_by=ids))
    tags = livelihoods_of(one.name, one.theme, one.abstract, *(wanted.purpose for wanted in one.wanted))
    if tags:
        earned = points("livelihood") + points("livelihood_more") * (len(tags) - 1)
        shown = tuple(f"{tag}: {word}" for tag, word in sorted(tags.items()))
        found.append(Reason(what="livelihood", points=min(earned, points("livelihood_most")), shown_by=shown))
    if one.mounted:
        found.append(Reason(what="mounted", points=points("mounted"), shown_by=()))
    if mode is Mode.OPEN:
        found.append(
            Reason(what="unconditional", points=points("unconditional"), shown_by=(one.level.value,))
        )
    return tuple(found)
