"""The values that ISO publishes for the elements of our messages: types, lengths, patterns, codes, choices.

Facts of the message definition reports of pain.001.001.09, pain.002.001.10, camt.053.001.08 and
camt.054.001.08. The external code sets bound a code to four characters; which of them we understand is for
who reads the message.
"""

import re
from collections.abc import Mapping
from typing import Final

_DAY: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_ZONE: Final = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_ISO_DATE: Final = re.compile(f"{_DAY}{_ZONE}?")
_ISO_DATE_TIME: Final = re.compile(f"{_DAY}T{_TIME}{_ZONE}?")
# At most 18 digits, of them 5 behind the point for an amount and 17 for a sum; never below zero here.
_AMOUNT: Final = re.compile(r"(?=(?:\.?[0-9]){1,18}$)[0-9]+(?:\.[0-9]{0,5})?")
_SUM: Final = re.compile(r"-?(?=(?:\.?[0-9]){1,18}$)[0-9]+(?:\.[0-9]{0,17})?")
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_YES_OR_NO: Final = re.compile(r"true|false|1|0")


def _text(most: int) -> re.Pattern[str]:
    return re.compile(rf"(?s:.{{1,{most}}})")


def _one_of(*codes: str) -> re.Pattern[str]:
    return re.compile("|".join(codes))


_MAX_34, _MAX_35, _MAX_105, _MAX_140, _CODE = _text(34), _text(35), _text(105), _text(140), _text(4)

FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(
        (
            *("MsgId", "NtryRef", "AcctSvcrRef", "EndToEndId", "Ref", "Ntfctn/Id", "Stmt/Id", "PmtInfId"),
            *("OrgnlMsgId", "OrgnlMsgNmId", "OrgnlPmtInfId", "OrgnlEndToEndId"),
        ),
        _MAX_35,
    ),
    "Othr/Id": _MAX_34,
    "Nm": _MAX_140,
    "AddtlInf": _MAX_105,
    **dict.fromkeys(("CreDtTm", "FrDtTm", "ToDtTm"), _ISO_DATE_TIME),
    "Dt": _ISO_DATE,
    **dict.fromkeys(("Amt", "InstdAmt"), _AMOUNT),
    **dict.fromkeys(("Sum", "CtrlSum", "OrgnlCtrlSum"), _SUM),
    **dict.fromkeys(("NbOfTxs", "NbOfNtries", "OrgnlNbOfTxs"), _COUNT),
    "Ccy": _CURRENCY,
    "CdtDbtInd": _one_of("CRDT", "DBIT"),
    "PmtMtd": _one_of("CHK", "TRF", "TRA"),
    "RvslInd": _YES_OR_NO,
    **dict.fromkeys(("Cd", "SubFmlyCd", "GrpSts", "PmtInfSts", "TxSts"), _CODE),
}
"""By element, or by parent and element where the name says too little: the whole text."""

IN_CURRENCY: Final = frozenset({"Amt", "InstdAmt"})
"""With the attribute `Ccy`, which no other element has, nor these another."""

MANY: Final = frozenset(
    {
        *("Ntfctn", "Stmt", "Bal", "Ntry", "NtryDtls", "TxDtls", "Strd", "PmtInf", "CdtTrfTxInf"),
        *("OrgnlPmtInfAndSts", "TxInfAndSts", "StsRsnInf", "AddtlInf"),
    }
)
"""What may stand more than once beside its like."""

CHOICES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("Acct/Id", "DbtrAcct/Id", "CdtrAcct/Id"), frozenset({"IBAN", "Othr"})),
    **dict.fromkeys(("BookgDt", "ValDt", "Bal/Dt", "ReqdExctnDt"), frozenset({"Dt", "DtTm"})),
    **dict.fromkeys(("Sts", "CdOrPrtry", "Rsn"), frozenset({"Cd", "Prtry"})),
    "CdtTrfTxInf/Amt": frozenset({"InstdAmt", "EqvtAmt"}),
    **dict.fromkeys(("RltdPties/Dbtr", "RltdPties/Cdtr"), frozenset({"Pty", "Agt"})),
}
"""Of these exactly one, once, and nothing beside it."""


def currency_is_one(text: str | None) -> bool:
    """Whether an amount names a currency by three letters."""
    return text is not None and _CURRENCY.fullmatch(text) is not None
