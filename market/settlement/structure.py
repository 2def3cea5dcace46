"""The structure that ISO publishes for the messages of ours: which elements, in which order, which required.

What their values are is in `market.settlement.facets`: types, lengths, patterns, codes, choices.

Fixed versions: camt.054.001.08, camt.053.001.08, pain.002.001.10, pain.001.001.09. The tables hold the part
of each schema that `docs/bank.md` names; an element that ISO knows and we do not use is passed over. Every
message is held against them, what the exchange writes and what it reads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lxml import etree

from market.settlement.errors import BankMessageMalformed
from market.settlement.facets import CHOICES, FORMS, IN_CURRENCY, MANY, currency_is_one

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
Sequences = Mapping[str, tuple[str, ...]]
"""By element (`Parent/Name` where the name says too little): its children in order, `!` the required."""

_NAMED: Final[Sequences] = {
    "FinInstnId": ("Nm",),
    "Othr": ("Id!",),
    "RmtInf": ("Strd",),
    "Strd": ("CdtrRefInf",),
    "CdtrRefInf": ("Tp", "Ref"),
    "CdtrRefInf/Tp": ("CdOrPrtry!",),
    "CdOrPrtry": ("Cd",),
}
_ACCOUNT: Final = ("Id!", "Ccy", "Svcr")
_ENTRY: Final[Sequences] = {
    **_NAMED,
    "GrpHdr": ("MsgId!", "CreDtTm!"),
    "Acct": _ACCOUNT,
    "Acct/Id": ("Othr",),
    "Svcr": ("FinInstnId!",),
    "Ntry": (
        *("NtryRef", "Amt!", "CdtDbtInd!", "RvslInd", "Sts!", "BookgDt", "ValDt", "AcctSvcrRef", "BkTxCd!"),
        "NtryDtls",
    ),
    "Sts": ("Cd",),
    "BookgDt": ("Dt",),
    "ValDt": ("Dt",),
    "BkTxCd": ("Domn",),
    "Domn": ("Cd!", "Fmly!"),
    "Fmly": ("Cd!", "SubFmlyCd!"),
    "NtryDtls": ("TxDtls",),
    "TxDtls": ("Refs", "Amt", "CdtDbtInd", "RltdPties", "RmtInf"),
    "Refs": ("MsgId", "AcctSvcrRef", "EndToEndId"),
    "RltdPties": ("Dbtr", "DbtrAcct", "Cdtr", "CdtrAcct"),
    "Dbtr": ("Pty",),
    "Cdtr": ("Pty",),
    "Pty": ("Nm",),
    "DbtrAcct": _ACCOUNT[:2],
    "CdtrAcct": _ACCOUNT[:2],
    "DbtrAcct/Id": ("Othr",),
    "CdtrAcct/Id": ("Othr",),
}
STRUCTURES: Final[Mapping[str, Sequences]] = {
    "camt.054.001.08": {
        **_ENTRY,
        "Document": ("BkToCstmrDbtCdtNtfctn!",),
        "BkToCstmrDbtCdtNtfctn": ("GrpHdr!", "Ntfctn!"),
        "Ntfctn": ("Id!", "CreDtTm", "Acct!", "Ntry"),
    },
    "camt.053.001.08": {
        **_ENTRY,
        "Document": ("BkToCstmrStmt!",),
        "BkToCstmrStmt": ("GrpHdr!", "Stmt!"),
        "Stmt": ("Id!", "CreDtTm", "FrToDt", "Acct!", "Bal!", "TxsSummry", "Ntry"),
        "FrToDt": ("FrDtTm!", "ToDtTm!"),
        "Bal": ("Tp!", "Amt!", "CdtDbtInd!", "Dt!"),
        "Bal/Tp": ("CdOrPrtry!",),
        "Bal/Dt": ("Dt",),
        "TxsSummry": ("TtlCdtNtries", "TtlDbtNtries"),
        "TtlCdtNtries": ("NbOfNtries", "Sum"),
        "TtlDbtNtries": ("NbOfNtries", "Sum"),
    },
    "pain.002.001.10": {
        "Document": ("CstmrPmtStsRpt!",),
        "CstmrPmtStsRpt": ("GrpHdr!", "OrgnlGrpInfAndSts!", "OrgnlPmtInfAndSts"),
        "GrpHdr": ("MsgId!", "CreDtTm!"),
        "OrgnlGrpInfAndSts": (
            *("OrgnlMsgId!", "OrgnlMsgNmId!", "OrgnlNbOfTxs", "OrgnlCtrlSum", "GrpSts", "StsRsnInf"),
        ),
        "StsRsnInf": ("Rsn", "AddtlInf"),
        "Rsn": ("Cd",),
        "OrgnlPmtInfAndSts": ("OrgnlPmtInfId!", "PmtInfSts", "TxInfAndSts"),
        "TxInfAndSts": ("OrgnlEndToEndId", "TxSts", "StsRsnInf"),
    },
    "pain.001.001.09": {
        **_NAMED,
        "Document": ("CstmrCdtTrfInitn!",),
        "CstmrCdtTrfInitn": ("GrpHdr!", "PmtInf!"),
        "GrpHdr": ("MsgId!", "CreDtTm!", "NbOfTxs!", "CtrlSum", "InitgPty!"),
        "InitgPty": ("Nm",),
        "PmtInf": (
            *("PmtInfId!", "PmtMtd!", "NbOfTxs", "CtrlSum", "ReqdExctnDt!", "Dbtr!", "DbtrAcct!", "DbtrAgt!"),
            "CdtTrfTxInf!",
        ),
        "ReqdExctnDt": ("Dt",),
        "Dbtr": ("Nm",),
        "DbtrAcct": ("Id!",),
        "DbtrAcct/Id": ("Othr",),
        "DbtrAgt": ("FinInstnId!",),
        "CdtTrfTxInf": ("PmtId!", "Amt!", "Cdtr", "CdtrAcct", "RmtInf"),
        "PmtId": ("EndToEndId!",),
        "CdtTrfTxInf/Amt": ("InstdAmt",),
        "Cdtr": ("Nm",),
        "CdtrAcct": ("Id!",),
        "CdtrAcct/Id": ("Othr",),
    },
}


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of an element at its place: its children in order, or the form of its value."""

    name: str
    order: Mapping[str, int] | None
    required: frozenset[str]
    choice: frozenset[str] | None
    form: re.Pattern[str] | None


@lru_cache(1000)
def _place(message: str, parent: str, name: str) -> _Place:
    path, known = f"{parent}/{name}", STRUCTURES[message]
    order = known.get(path) or known.get(name)
    return _Place(
        name,
        None if order is None else {one.rstrip("!"): at for at, one in enumerate(order)},
        frozenset(one[:-1] for one in order or () if one.endswith("!")),
        CHOICES.get(path) or CHOICES.get(name),
        FORMS.get(path) or FORMS.get(name),
    )


def check_structure(root: etree._Element, message: str) -> None:
    """Hold a message's document against the published structure. Raises BankMessageMalformed."""
    space = root.tag.rpartition("}")[0] + "}"
    waiting = [(root, _place(message, "", root.tag[len(space) :]))]
    while waiting:
        element, place = waiting.pop()
        _check_attributes(element, place.name)
        if place.order is None:
            _check_value(element, place)
            continue
        for child, name in _children(element, place, place.order, space):
            waiting.append((child, _place(message, place.name, name)))


def _children(
    element: etree._Element, place: _Place, order: Mapping[str, int], space: str
) -> list[tuple[etree._Element, str]]:
    """The children that we know, each in its place; what is required is there, and what is single, once."""
    if element.text and element.text.strip():
        raise BankMessageMalformed("text between elements", element=place.name)
    at, last, seen, found = 0, "", set(), []
    for child in element:
        tag, tail = child.tag, child.tail
        if not tag.startswith(space) or (tail and tail.strip()):
            raise BankMessageMalformed("an element of another schema, or text", element=place.name)
        name = tag[len(space) :]
        here = order.get(name)
        if here is None:
            last = name
            continue
        if here < at:
            raise BankMessageMalformed("an element out of its order", element=f"{place.name}/{name}")
        if name in seen and (name not in MANY or name != last):
            raise BankMessageMalformed("an element is there once", element=f"{place.name}/{name}")
        at, last = here, name
        seen.add(name)
        found.append((child, name))
    missing = place.required - seen
    if missing:
        raise BankMessageMalformed("an element is missing", element=f"{place.name}/{min(missing)}")
    if place.choice is not None and (len(element) != 1 or (last or "") not in place.choice):
        raise BankMessageMalformed("one of a choice is expected", element=place.name)
    return found


def _check_value(element: etree._Element, place: _Place) -> None:
    """The text of an element that has no elements: of its type, length, pattern or code."""
    if place.form is None:
        return
    if len(element):
        raise BankMessageMalformed("an element within a value", element=place.name)
    if place.form.fullmatch((element.text or "").strip()) is None:
        raise BankMessageMalformed("a value of another form", element=place.name)


def _check_attributes(element: etree._Element, name: str) -> None:
    """A currency where there is an amount, and nothing else; the document may say where its schema lies."""
    if name in IN_CURRENCY and not len(element):
        if element.keys() != ["Ccy"] or not currency_is_one(element.get("Ccy")):
            raise BankMessageMalformed("an amount has its currency alone", element=name)
        return
    named = element.keys()
    if named and not (name == "Document" and all(str(one).startswith(_XSI) for one in named)):
        raise BankMessageMalformed("an attribute that is not known", element=name)
