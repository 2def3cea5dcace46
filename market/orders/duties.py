"""Duties of data subject, controller and user in a contract (数据主体、数据控制方、数据使用方; R58); pure.

They follow from what is sold, to whom and how: the data's level, whether they are of persons, the licence.
A contract carries them in its own document, in Chinese, which binds; one from before that has none, and is
checked by those of the law (`CheckedDuty.signed`). Beside each stands by which evidence it is checked
(`judged`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from market.listings.categories import Label
from market.orders.clauses import ModelType


class Bearer(StrEnum):
    """Whose right or duty it is.

    The controller provides, the user receives. Where processing is entrusted, the buyer entrusts it and is
    the controller of what it brings, and the provider is entrusted (clause 1.1 of the model contract).
    """

    SUBJECT = "SUBJECT"
    CONTROLLER = "CONTROLLER"
    USER = "USER"
    ENTRUSTING = "ENTRUSTING"
    ENTRUSTED = "ENTRUSTED"


class Verdict(StrEnum):
    """RIGHT: a right, of which nothing is to be shown. NOT_YET: its time has not come."""

    RIGHT = "RIGHT"
    MET = "MET"
    OPEN = "OPEN"
    LATE = "LATE"
    MISSING = "MISSING"
    NOT_YET = "NOT_YET"


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyFacts:
    """What decides: `separate` is from general-4 on, `important` from important data on.

    `abroad` is where anybody receives there, the buyer or whom the contract names.
    """

    personal: bool
    model: ModelType = ModelType.PROVISION
    separate: bool = False
    important: bool = False
    abroad: bool = False
    resale_allowed: bool = False


@dataclass(frozen=True, slots=True)
class ContractDuty:
    """One right or duty, with its ground and its words."""

    code: str
    bearer: Bearer
    basis: str
    words: Label

    def document(self) -> dict[str, str]:
        """As a contract has it."""
        return {"code": self.code, "bearer": self.bearer.value, "basis": self.basis, "text": self.words.zh}


_S, _C, _U, _BY, _TO = Bearer
DUTIES: Final = (
    ContractDuty(
        "consent-is-ones-own",
        _S,
        "个人信息保护法 14、15、44",
        Label(
            "同意由本人逐项作出，可随时撤回，撤回不需理由",
            "Consents are one's own, one by one, and may be taken back at any time without a reason",
        ),
    ),
    ContractDuty(
        "may-ask",
        _S,
        "个人信息保护法 45-50",
        Label(
            "可请求查阅、复制、更正、删除、转移和说明",
            "May ask for access, a copy, correction, deletion, portability, an explanation",
        ),
    ),
    ContractDuty(
        "may-complain",
        _S,
        "个人信息保护法 65",
        Label("可向主管部门投诉、举报", "May complain to the authority"),
    ),
    ContractDuty(
        "may-turn-to-either",
        _S,
        "个人信息保护法 20",
        Label("可向共同处理的任何一方行使权利", "May turn to either of those who handle the data together"),
    ),
    ContractDuty(
        "lawful-source",
        _C,
        "数据安全法 32、33",
        Label("数据来源合法，权利已登记", "The data come from a lawful source, the right is registered"),
    ),
    ContractDuty(
        "graded", _C, "数据安全法 21", Label("数据已分类分级", "The data are classified and graded")
    ),
    ContractDuty(
        "consents-cited",
        _C,
        "个人信息保护法 13、23",
        Label(
            "所引用的同意记录有效并覆盖本合同的用途、接收方和期限",
            "The consents cited stand, and cover this contract's purposes, receivers and term",
        ),
    ),
    ContractDuty(
        "separate-consent",
        _C,
        "个人信息保护法 23、29、39",
        Label("同意为单独同意", "The consents are separate consents"),
    ),
    ContractDuty(
        "impact-assessed",
        _C,
        "个人信息保护法 55、56",
        Label("已作个人信息保护影响评估并保存记录", "The impact on persons is assessed, the record kept"),
    ),
    ContractDuty(
        "security-reviewed",
        _C,
        "数据安全法 30；个人信息保护法 51、55",
        Label("已作安全审查或风险评估", "A security review or risk assessment stands"),
    ),
    ContractDuty(
        "export-cleared",
        _C,
        "个人信息保护法 38-40；促进和规范数据跨境流动规定",
        Label("出境前取得放行", "What goes abroad is cleared first"),
    ),
    ContractDuty(
        "withdrawals-followed",
        _C,
        "个人信息保护法 15、47",
        Label(
            "个人撤回同意后，停止提供并在期限内给出不含其个人信息的版本",
            "After a withdrawal, provision stops and a version without the person follows in time",
        ),
    ),
    ContractDuty(
        "persons-answered",
        _C,
        "个人信息保护法 50",
        Label("在期限内答复个人的请求", "Persons' requests are answered in time"),
    ),
    ContractDuty(
        "processing-agreed",
        _BY,
        "个人信息保护法 21；数据安全法 40；网络数据安全管理条例 12",
        Label(
            "委托处理的目的、期限、方式、种类和保护措施已约定，委托方予以监督",
            "What is processed, why, how, how long and how protected is agreed; the principal supervises it",
        ),
    ),
    ContractDuty(
        "joint-duties-agreed",
        _C,
        "个人信息保护法 20",
        Label(
            "共同处理各方的权利义务已约定，对个人承担连带责任",
            "Who handles the data together has agreed on each one's duties, and answers to persons jointly",
        ),
    ),
    ContractDuty(
        "within-purpose",
        _U,
        "数据安全法 32；个人信息保护法 23",
        Label(
            "仅按约定的用途、方式和次数使用，每次使用留存记录",
            "Used for the agreed purposes, ways and count alone; every use is on record",
        ),
    ),
    ContractDuty(
        "no-onward-transfer",
        _U,
        "个人信息保护法 23",
        Label("不向约定以外的人提供", "Not provided to anybody beside the agreed receivers"),
    ),
    ContractDuty(
        "protected",
        _U,
        "数据安全法 27",
        Label("采取与数据级别相当的保护措施", "Protected as the data's level asks"),
    ),
    ContractDuty(
        "not-re-identified",
        _U,
        "个人信息保护法 51、73",
        Label("不重新识别个人", "Nobody is re-identified"),
    ),
    ContractDuty(
        "deleted-at-the-end",
        _U,
        "个人信息保护法 47；民法典 509",
        Label("许可终止后按期销毁并提交证明", "Destroyed in time after the licence's end, with proof"),
    ),
    ContractDuty(
        "as-entrusted",
        _TO,
        "个人信息保护法 21；数据安全法 40",
        Label(
            "受托方不超出约定处理，未经同意不转委托，合同终止后返还或删除",
            "Who is entrusted keeps to what was agreed, entrusts nobody else without consent, "
            "and returns or deletes the data at the end",
        ),
    ),
    ContractDuty(
        "entrusted-assists",
        _TO,
        "个人信息保护法 59",
        Label(
            "受托方采取必要措施保障所处理个人信息的安全，并协助委托方履行义务",
            "Who is entrusted keeps the personal data safe, and helps the principal to do its duties",
        ),
    ),
    ContractDuty(
        "persons-deleted",
        _U,
        "个人信息保护法 15、47",
        Label(
            "接到撤回通知后，在期限内删除该个人的数据并确认",
            "Told of a withdrawal, deletes that person's data in time and confirms",
        ),
    ),
)
_BY_CODE: Final = {one.code: one for one in DUTIES}
_OF_PERSONS: Final = frozenset(
    {
        *("consent-is-ones-own", "may-ask", "may-complain", "consents-cited", "impact-assessed"),
        *("withdrawals-followed", "persons-answered", "persons-deleted", "not-re-identified"),
        *("may-turn-to-either", "joint-duties-agreed", "entrusted-assists"),
    }
)
_OF_MODEL: Final[Mapping[str, ModelType]] = {
    "may-turn-to-either": ModelType.FUSION,
    "joint-duties-agreed": ModelType.FUSION,
    "processing-agreed": ModelType.PROCESSING,
    "as-entrusted": ModelType.PROCESSING,
    "entrusted-assists": ModelType.PROCESSING,
}
"""What only one model contract puts down: entrusted processing (PIPL 21, 59), joint handling (PIPL 20)."""


def duties_for(facts: DutyFacts) -> tuple[ContractDuty, ...]:
    """What a contract puts down, in the order of the table."""
    left_out = {code for code, model in _OF_MODEL.items() if model is not facts.model}
    if not facts.personal:
        left_out |= _OF_PERSONS
    if not (facts.personal and (facts.separate or facts.abroad)):
        left_out.add("separate-consent")
    if not (facts.important or facts.personal):
        left_out.add("security-reviewed")
    if not facts.abroad:
        left_out.add("export-cleared")
    if facts.resale_allowed and not facts.personal:
        left_out.add("no-onward-transfer")
    return tuple(one for one in DUTIES if one.code not in left_out)


def duties_in(contract: Mapping[str, Any]) -> tuple[ContractDuty, ...]:
    """What a contract's document puts down; empty for one from before there were duties in it.

    The words are those that were signed; English is the present translation, where the code is still known.
    """
    return tuple(
        ContractDuty(
            one["code"],
            Bearer(one["bearer"]),
            one["basis"],
            Label(one["text"], _BY_CODE[one["code"]].words.en if one["code"] in _BY_CODE else one["text"]),
        )
        for one in contract.get("duties", ())
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is on record for a duty: how many of how many, how many late; or one record."""

    done: int = 0
    of: int | None = None
    late: int = 0
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedDuty:
    """A line of a contract's checklist; `signed` where the contract's own document puts it down."""

    duty: ContractDuty
    evidence: Evidence
    verdict: Verdict
    signed: bool = True


def judged(duty: ContractDuty, found: Evidence | None) -> Verdict:
    """What the evidence says of a duty. Without `of` one record is asked for, else all that there are.

    Raises ValueError where more is done than there is.
    """
    if duty.bearer is Bearer.SUBJECT:
        return Verdict.RIGHT
    if found is None:
        return Verdict.NOT_YET
    if found.of is None:
        return Verdict.MET if found.done else Verdict.MISSING
    if not 0 <= found.done <= found.of:
        raise ValueError(f"{found.done} of {found.of}")
    if found.late:
        return Verdict.LATE
    if not found.of:
        return Verdict.NOT_YET
    return Verdict.MET if found.done == found.of else Verdict.OPEN


def checked(
    duties: Sequence[ContractDuty], found: Mapping[str, Evidence], *, signed: bool = True
) -> tuple[CheckedDuty, ...]:
    """The checklist of a contract: each duty with its evidence and what that says."""
    return tuple(
        CheckedDuty(one, found.get(one.code, Evidence()), judged(one, found.get(one.code)), signed)
        for one in duties
    )
