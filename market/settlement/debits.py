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

_WORD: Final = r"[!-%'-;=?-~]{1,140}"  # printable ASCII without a space and without & < >
_TEXT: Final = r"[^<>&\x00-\x1f\ufffe\uffff]{0,140}"
_AMOUNT: Final = rf'<Amt Ccy="{CURRENCY}">([0-9]{{1,14}})\.([0-9]{{2}})</Amt>'
_DAY: Final = r"<Dt>([0-9]{4}-[0-9]{2}-[0-9]{2})</Dt>"
_HEAD: Final = re.compile(
    r"<\?xml version='1\.0' encoding='UTF-8'\?>\n"
    rf'<Document xmlns="{re.escape(NAMESPACE + NOTIFICATION)}"><BkToCstmrDbtCdtNtfctn>'
    rf"<GrpHdr><MsgId>({_WORD})</MsgId><CreDtTm>{_WORD}</CreDtTm></GrpHdr>"
    rf"<Ntfctn><Id>{_WORD}</Id><CreDtTm>{_WORD}</CreDtTm><Acct><Id><Othr><Id>({_WORD})</Id></Othr></Id>"
    rf"<Ccy>{_WORD}</Ccy><Svcr><FinInstnId><Nm>{_TEXT}</Nm></FinInstnId></Svcr></Acct>"
)
_ENTRY: Final = re.compile(
    rf"<Ntry><NtryRef>{_WORD}</NtryRef>{_AMOUNT}<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
    rf"<BookgDt>{_DAY}</BookgDt><ValDt><Dt>{_WORD}</Dt></ValDt><AcctSvcrRef>({_WORD})</AcctSvcrRef>"
    rf"<BkTxCd><Domn><Cd>{_WORD}</Cd><Fmly><Cd>{_WORD}</Cd><SubFmlyCd>{_WORD}</SubFmlyCd></Fmly></Domn></BkTxCd>"
    rf"<NtryDtls><TxDtls><Refs><MsgId>({_WORD})</MsgId><AcctSvcrRef>{_WORD}</AcctSvcrRef>"
    rf"<EndToEndId>({_WORD})</EndToEndId></Refs><Amt Ccy=\"{CURRENCY}\">{_WORD}</Amt>"
    rf"<CdtDbtInd>{_WORD}</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>{_TEXT}</Nm></Pty></Cdtr>"
    rf"<CdtrAcct><Id><Othr><Id>({_WORD})</Id></Othr></Id><Ccy>{_WORD}</Ccy></CdtrAcct></RltdPties>"
    rf"<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>{_WORD}</Cd></CdOrPrtry></Tp><Ref>({_WORD})</Ref>"
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
