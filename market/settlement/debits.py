"""A camt.054 of debits in the very form that the escrow bank writes: read without a tree of elements.

The form is a pattern, from the first byte to the last: which elements, in which order, with nothing between
them, and texts without an entity, a reference or a control character. So there is no other way to understand
what fits it; whatever does not fit is left to `market.settlement.messages`, which says what is wrong with it
(`tests/market/settlement/test_debits.py` holds both against each other).
"""

import re
from datetime import date
from functools import lru_cache
from typing import Final

from market.settlement.messages import CURRENCY, MAX_BYTES, NAMESPACE, NOTIFICATION, Movement, Notification

_WORD: Final = r"[!-%'-;=?-~]"  # printable ASCII without a space and without & < >
_ID: Final = rf"{_WORD}{{1,35}}"
_ACCOUNT: Final = rf"{_WORD}{{1,34}}"
_CODE: Final = rf"{_WORD}{{1,4}}"
_CCY: Final = r"[A-Z]{3}"
_TEXT: Final = r"(?=[^<]*[^<\s])[^<>&\x00-\x1f\ufffe\uffff]{1,140}"
_AMOUNT: Final = rf'<Amt Ccy="{CURRENCY}">([0-9]{{1,14}})\.([0-9]{{2}})</Amt>'
_DATE: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_MOMENT: Final = rf"{_DATE}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{1,9}}Z"
_DAY: Final = rf"<Dt>({_DATE})</Dt>"
_HEAD: Final = re.compile(
    r"<\?xml version='1\.0' encoding='UTF-8'\?>\n"
    rf'<Document xmlns="{re.escape(NAMESPACE + NOTIFICATION)}"><BkToCstmrDbtCdtNtfctn>'
    rf"<GrpHdr><MsgId>({_ID})</MsgId><CreDtTm>{_MOMENT}</CreDtTm></GrpHdr>"
    rf"<Ntfctn><Id>{_ID}</Id><CreDtTm>{_MOMENT}</CreDtTm><Acct><Id><Othr><Id>({_ACCOUNT})</Id></Othr></Id>"
    rf"<Ccy>{_CCY}</Ccy><Svcr><FinInstnId><Nm>{_TEXT}</Nm></FinInstnId></Svcr></Acct>"
)
_ENTRY: Final = re.compile(
    rf"<Ntry><NtryRef>{_ID}</NtryRef>{_AMOUNT}<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
    rf"<BookgDt>{_DAY}</BookgDt><ValDt><Dt>{_DATE}</Dt></ValDt><AcctSvcrRef>({_ID})</AcctSvcrRef>"
    rf"<BkTxCd><Domn><Cd>{_CODE}</Cd><Fmly><Cd>{_CODE}</Cd><SubFmlyCd>{_CODE}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    rf"<NtryDtls><TxDtls><Refs><MsgId>({_ID})</MsgId><AcctSvcrRef>{_ID}</AcctSvcrRef>"
    rf"<EndToEndId>({_ID})</EndToEndId></Refs><Amt Ccy=\"{CURRENCY}\">[0-9]{{1,14}}\.[0-9]{{2}}</Amt>"
    rf"<CdtDbtInd>(?:DBIT|CRDT)</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>{_TEXT}</Nm></Pty></Cdtr>"
    rf"<CdtrAcct><Id><Othr><Id>({_ACCOUNT})</Id></Othr></Id><Ccy>{_CCY}</Ccy></CdtrAcct></RltdPties>"
    rf"<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>{_CODE}</Cd></CdOrPrtry></Tp><Ref>({_ID})</Ref>"
    r"</CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>"
)
_TAIL: Final = "</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"


def read_debits(xml: bytes) -> Notification | None:
    """What `messages.read_notification` reads out of it; None where it has another form."""
    if len(xml) > MAX_BYTES:
        return None
    try:
        text = xml.decode()
    except UnicodeDecodeError:
        return None
    head = _HEAD.match(text)
    if head is None:
        return None
    movements, at = [], head.end()
    try:
        while (entry := _ENTRY.match(text, at)) is not None:
            yuan, fen, day, entry_id, instruction_id, end_to_end_id, account, reference = entry.groups()
            amount_minor = int(yuan) * 100 + int(fen)
            movements.append(
                Movement(
                    entry_id,
                    False,
                    amount_minor,
                    _date(day),
                    end_to_end_id,
                    account,
                    reference,
                    instruction_id,
                )
            )
            at = entry.end()
    except ValueError:  # not a day of the calendar
        return None
    if not text.startswith(_TAIL, at) or len(text) != at + len(_TAIL):
        return None
    message_id, account = head.groups()
    return Notification(message_id, account, tuple(movements))


@lru_cache(64)
def _date(text: str) -> date:
    return date.fromisoformat(text)
