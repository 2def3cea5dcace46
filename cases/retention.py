"""On which legal ground an opening may be erased, and what the law wants kept. Pure.

The list has a version, which every erasure names. Deletion gives way to a period for which a law or an
administrative regulation wants something kept (PIPL art. 47, second paragraph): until then it is stored and
used for nothing else. An order or a judgment that says "delete" has weighed that already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from base.clock import rfc3339
from base.errors import Malformed
from brokers.conduct.rules import records_kept_until
from cases.errors import (
    ErasureBeyondPower,
    KeptByLaw,
    OpeningInUse,
    OpeningUnderCase,
    RetentionNotOver,
)
from cases.rules import REGULATORS

BASIS_LIST: Final = "opening-erasure/1"
OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})
ERASERS: Final = OPERATOR | REGULATORS
_LEAP_DAY: Final = (2, 29)


@dataclass(frozen=True, slots=True)
class Basis:
    """One ground: its law, who may rely on it, and whether it is an order, which outweighs a term."""

    code: str
    law: str
    says: Mapping[str, str]
    roles: frozenset[str] = OPERATOR
    by_order: bool = False


def _listed(*bases: Basis) -> Mapping[str, Basis]:
    return {basis.code: basis for basis in bases}


BASES: Final[Mapping[str, Basis]] = _listed(
    Basis(
        "PIPL-47-1",
        "个人信息保护法 art. 47(1)(1)",
        {
            "zh": "处理目的已实现、无法实现或者为实现处理目的不再必要",
            "en": "The purpose is achieved, cannot be achieved, or no longer needs the information",
        },
    ),
    Basis(
        "PIPL-47-2",
        "个人信息保护法 art. 47(1)(2)",
        {
            "zh": "停止提供产品或者服务，或者保存期限已届满",
            "en": "The product or service has ended, or the period of storage is over",
        },
    ),
    Basis(
        "PIPL-47-3",
        "个人信息保护法 art. 47(1)(3)",
        {"zh": "个人撤回同意", "en": "The individual has withdrawn consent"},
    ),
    Basis(
        "PIPL-47-4",
        "个人信息保护法 art. 47(1)(4)",
        {
            "zh": "违反法律、行政法规或者违反约定处理个人信息",
            "en": "The information was processed against the law or against what was agreed",
        },
    ),
    Basis(
        "PIPL-47-5",
        "个人信息保护法 art. 47(1)(5)",
        {"zh": "法律、行政法规规定的其他情形", "en": "Another case provided for by law"},
    ),
    Basis(
        "CIVIL-1037",
        "民法典 art. 1037(2)",
        {
            "zh": "信息处理者违法或者违约处理，自然人请求删除",
            "en": "A natural person asks for it, because the processing breaks the law or an agreement",
        },
    ),
    Basis(
        "NDR-24",
        "网络数据安全管理条例 art. 24",
        {
            "zh": "无法避免采集到的非必要个人信息、未依法取得同意的个人信息，或者个人注销账号",
            "en": "Information that was not needed or not consented to, or a closed account",
        },
    ),
    Basis(
        "ECL-24",
        "电子商务法 art. 24(2)",
        {"zh": "用户注销账号", "en": "A user has closed the account"},
    ),
    Basis(
        "ORDER",
        "个人信息保护法 art. 63, 66; 数据安全法 art. 44",
        {"zh": "主管部门责令删除", "en": "An authority in charge orders it"},
        roles=REGULATORS,
        by_order=True,
    ),
    Basis(
        "JUDGMENT",
        "民法典 art. 995, 1037; 民事诉讼法",
        {"zh": "生效裁判文书判令删除", "en": "A judgment in force orders it"},
        by_order=True,
    ),
)


class Keeping(StrEnum):
    """Why the law wants an opening kept after the business is over."""

    NOTHING = "NOTHING"
    TRANSACTION = "TRANSACTION"  # 电子商务法 art. 31: three years from completion
    BROKER = "BROKER"  # 数据安全法 art. 33: what an intermediary checked; the years are BR3's
    BOOKS = "BOOKS"  # 会计法 art. 23, 会计档案管理办法 (2015): vouchers, thirty years
    CASE_FILE = "CASE_FILE"  # 档案法: the files of an authority's case


YEARS: Final[Mapping[Keeping, int]] = {Keeping.TRANSACTION: 3, Keeping.BOOKS: 30}
LAWS: Final[Mapping[Keeping, str]] = {
    Keeping.TRANSACTION: "电子商务法 art. 31",
    Keeping.BROKER: "数据安全法 art. 33",
    Keeping.BOOKS: "会计法 art. 23, 会计档案管理办法 (2015)",
    Keeping.CASE_FILE: "档案法",
}
_BOOKS: Final = frozenset({"TRD.FUND", "TRD.SETTLE", "TRD.REFUND"})
_TRANSACTION: Final = frozenset({"LST", "TRD", "QTE", "DLV", "MND", "DSP", "AUC"})


def keeping_of(event: str) -> Keeping:
    """What the law wants of an opening of this event; of a refusal, by the event that was refused."""
    machine = event.partition(".")[0]
    if event == "CND.CHECK":
        return Keeping.BROKER
    if event in _BOOKS or machine in {"PAY", "ACC"}:  # also how a difference in the books was explained
        return Keeping.BOOKS
    if machine in {"CSE", "OPN", "ORD"}:
        return Keeping.CASE_FILE
    return Keeping.TRANSACTION if machine in _TRANSACTION else Keeping.NOTHING


@dataclass(frozen=True, slots=True)
class Standing:
    """What an opening is still needed for.

    `in_use` says by what it is (an unfinished trade, a listing, a mandate, a member), `under_case` by which
    open case; `completed_at` is when the last business it is about was completed, None where none was.
    """

    event: str
    said_at: datetime
    in_use: str | None = None
    under_case: str | None = None
    completed_at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def basis_of(code: str) -> Basis:
    """A ground of the list. Raises Malformed."""
    found = BASES.get(code)
    if found is None:
        raise Malformed("not a legal basis of the list", basis=code, known=list(BASES))
    return found


def bases_for(roles: frozenset[str]) -> Sequence[Basis]:
    """The grounds that somebody with these roles may rely on."""
    return [basis for basis in BASES.values() if basis.roles & roles]


def check_power(basis: Basis, *, role: str, order_ref: str | None) -> None:
    """Who relies on the ground may, and names the order it rests on. Raises ErasureBeyondPower, Malformed."""
    if role not in basis.roles:
        raise ErasureBeyondPower(
            f"{basis.code} is not for {role} to rely on", role=role, roles=sorted(basis.roles)
        )
    if basis.by_order and not order_ref:
        raise Malformed("the number of the order or judgment is missing", member="order_ref")


def check_erasable(standing: Standing, basis: Basis, *, now: datetime) -> None:
    """Nothing needs the opening any more, and no law wants it kept.

    Raises OpeningInUse, OpeningUnderCase, KeptByLaw, RetentionNotOver.
    """
    if standing.in_use is not None:
        raise OpeningInUse("it is still needed", needed_by=standing.in_use, **standing.facts)
    if standing.under_case is not None:
        raise OpeningUnderCase("an open case needs it", case_id=standing.under_case)
    keeping = keeping_of(standing.event)
    if keeping is Keeping.CASE_FILE:
        raise KeptByLaw("the file of a case is kept", law=LAWS[keeping])
    until = kept_until(standing)
    if until is None or now > until:
        return
    if keeping is Keeping.BOOKS or not basis.by_order:
        raise RetentionNotOver("the law wants it kept", law=LAWS[keeping], until=rfc3339(until))


def kept_until(standing: Standing) -> datetime | None:
    """The end of the period for which the law wants an opening kept; None where there is none.

    Books and a broker's records count from when it was said, a transaction from its completion: where
    nothing was completed, there is no transaction to keep.
    """
    keeping = keeping_of(standing.event)
    if keeping is Keeping.BROKER:
        return records_kept_until(standing.said_at)
    start = standing.said_at if keeping is Keeping.BOOKS else standing.completed_at
    if keeping not in YEARS or start is None:
        return None
    day = 28 if (start.month, start.day) == _LEAP_DAY else start.day
    return start.replace(year=start.year + YEARS[keeping], day=day)
