"""The exchange's side of the wire, for tests: writes instructions, reads the bank's messages."""

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from lxml import etree

from base.clock import rfc3339
from base.signing import SigningKey, envelope_signed_by, parse_envelope, parse_public_key, sign_envelope

PAIN001 = "pain.001.001.09"
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


@dataclass(frozen=True)
class Payout:
    end_to_end_id: str
    amount: str
    account: str
    currency: str = "CNY"


def pain001(
    *,
    message_id: str,
    escrow: str,
    payouts: list[Payout],
    control_sum: str,
    count: int | None = None,
    at: datetime | None = None,
    on: str | None = None,
    reference: str = "trade-1",
) -> bytes:
    """An instruction as the exchange writes it; whatever is stated is written, right or wrong."""
    at = at or datetime.now(UTC)
    count = len(payouts) if count is None else count
    transactions = "".join(
        f"<CdtTrfTxInf><PmtId><EndToEndId>{payout.end_to_end_id}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{payout.currency}">{payout.amount}</InstdAmt></Amt>'
        f"<Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><Othr><Id>{payout.account}</Id></Othr></Id></CdtrAcct>"
        f"<RmtInf><Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd></RmtInf></CdtTrfTxInf>"
        for payout in payouts
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="{NAMESPACE}{PAIN001}"><CstmrCdtTrfInitn><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>{rfc3339(at)}</CreDtTm><NbOfTxs>{count}</NbOfTxs><CtrlSum>{control_sum}</CtrlSum>"
        "<InitgPty><Nm>Exchange</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{message_id}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<ReqdExctnDt><Dt>{on or rfc3339(at)[:10]}</Dt></ReqdExctnDt><Dbtr><Nm>Exchange</Nm></Dbtr>"
        f"<DbtrAcct><Id><Othr><Id>{escrow}</Id></Othr></Id></DbtrAcct>"
        "<DbtrAgt><FinInstnId><Nm>Simulated Escrow Bank</Nm></FinInstnId></DbtrAgt>"
        f"{transactions}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def sealed(xml: bytes, key: SigningKey, message: str = PAIN001) -> bytes:
    """The JSON of the DSSE envelope around a message."""
    return orjson.dumps(sign_envelope(f"application/xml; message={message}", xml, key).document())


@dataclass(frozen=True)
class Message:
    """A message of the bank whose signature held."""

    name: str
    root: etree._Element
    xml: bytes

    def texts(self, path: str) -> list[str]:
        """The texts at an element path below Document, by local names."""
        return [node.text or "" for node in self.root.findall(_path(path))]

    def text(self, path: str) -> str:
        """The one text at an element path below Document."""
        (only,) = self.texts(path)
        return only


def opened(document: Any, bank_key_b64: str) -> Message:
    """Check the bank's envelope and read its XML."""
    envelope = parse_envelope(document)
    assert envelope_signed_by(envelope, parse_public_key(bank_key_b64)), "not signed by the bank"
    kind, _, name = envelope.payload_type.partition("; message=")
    assert kind == "application/xml"
    root = etree.fromstring(envelope.payload)
    assert root.tag == f"{{{NAMESPACE}}}Document".replace("}", f"{name}}}", 1), root.tag
    return Message(name, root, envelope.payload)


def payload_of(document: dict[str, Any]) -> bytes:
    """The stored payload bytes of an envelope document."""
    return b64decode(document["payload"])


def _path(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))
