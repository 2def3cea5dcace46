"""The structure that ISO publishes for the messages of ours: which elements, in which order, which required.

Fixed versions: camt.054.001.08, camt.053.001.08, pain.002.001.10, pain.001.001.09. The tables hold the part
of each schema that `docs/bank.md` names; an element that ISO knows and we do not use is passed over. Every
message is held against them, what the exchange writes and what it reads.
"""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from market.settlement.errors import BankMessageMalformed

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


def check_structure(root: etree._Element, message: str) -> None:
    """Hold a message's document against the published structure. Raises BankMessageMalformed."""
    known = STRUCTURES[message]
    waiting = [(root, "")]
    while waiting:
        element, parent = waiting.pop()
        name = element.tag.rpartition("}")[2]
        order = known.get(f"{parent}/{name}") or known.get(name)
        if order is None:
            continue
        names = [one.rstrip("!") for one in order]
        at, seen = 0, set()
        for child in element:
            child_name = child.tag.rpartition("}")[2]
            if child_name not in names:
                continue
            place = names.index(child_name)
            if place < at:
                raise BankMessageMalformed("an element out of its order", element=f"{name}/{child_name}")
            at = place
            seen.add(child_name)
            waiting.append((child, name))
        missing = [one[:-1] for one in order if one.endswith("!") and one[:-1] not in seen]
        if missing:
            raise BankMessageMalformed("an element is missing", element=f"{name}/{missing[0]}")
