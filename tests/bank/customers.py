"""A customer of the bank, for tests: opens an account, sends money, looks at its balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from tests.bank.process import HTTP, BankProcess
from tests.bank.wire import Message, Payout, opened, pain001, sealed

_serials = count(1)


def fresh(prefix: str = "trd") -> str:
    """A reference nothing else in this run uses, as long as a trade id: 30 characters."""
    return f"{prefix}_{next(_serials):026d}"


@dataclass
class Customer:
    """An account and its token."""

    bank: BankProcess
    account: str
    token: str

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def send(self, amount_minor: int, reference: str, /, **changes: Any) -> httpx.Response:
        """Transfer into escrow under a trade's reference."""
        order = {
            "from_account": self.account,
            "to": "escrow",
            "amount_minor": amount_minor,
            "reference": reference,
            "end_to_end_id": f"{reference}/F",
        }
        return post(self.bank, "/transfers", order | changes, self._headers)

    def transfer(self, transfer_id: str) -> Any:
        """What became of a transfer."""
        return get(self.bank, f"/transfers/{transfer_id}", self._headers).json()

    def balance(self) -> int:
        answer = get(self.bank, f"/accounts/{self.account}", self._headers)
        assert answer.status_code == 200, answer.text
        balance: int = answer.json()["balance_minor"]
        return balance


def customer(bank: BankProcess, opening_minor: int = 0, holder: str = "Some Company Ltd") -> Customer:
    answer = post(bank, "/accounts", {"holder": holder, "opening_minor": opening_minor})
    assert answer.status_code == 201, answer.text
    return Customer(bank, answer.json()["account"], answer.json()["token"])


def post(
    bank: BankProcess, path: str, document: Any, headers: dict[str, str] | None = None
) -> httpx.Response:
    return HTTP.post(bank.base_url + path, json=document, headers=headers)


def get(bank: BankProcess, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return HTTP.get(bank.base_url + path, headers=headers)


def post_bytes(bank: BankProcess, path: str, body: bytes | Iterator[bytes]) -> httpx.Response:
    return HTTP.post(bank.base_url + path, content=body)


def instruct(bank: BankProcess, key: Any, payouts: list[Payout], control_sum: str, **changes: Any) -> Message:
    """Send an instruction that is answered with a pain.002; returns the answer, its signature checked."""
    changes = {"message_id": fresh("msg")} | changes
    changes = {"escrow": bank.escrow_account} | changes
    xml = pain001(payouts=payouts, control_sum=control_sum, **changes)
    answer = post_bytes(bank, "/instructions", sealed(xml, key))
    assert answer.status_code == 200, answer.text
    message = opened(answer.json(), bank.key_b64)
    assert message.name == "pain.002.001.10"
    assert message.text("CstmrPmtStsRpt/OrgnlGrpInfAndSts/OrgnlMsgId") == changes["message_id"]
    return message


def status_of(report: Message) -> str:
    return report.text("CstmrPmtStsRpt/OrgnlGrpInfAndSts/GrpSts")


def reasons_of(report: Message) -> list[str]:
    """Every reason code, of the group first."""
    return report.texts("CstmrPmtStsRpt/OrgnlGrpInfAndSts/StsRsnInf/Rsn/Cd") + report.texts(
        "CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/StsRsnInf/Rsn/Cd"
    )


def held(bank: BankProcess) -> dict[str, int]:
    """The books' totals by kind of account; proves on the way that they are in balance."""
    books = get(bank, "/books").json()
    assert books["sum_of_legs_minor"] == 0
    assert books["unbalanced_movements"] == 0
    assert books["legs"] == 2 * books["movements"]
    totals: dict[str, int] = books["held_minor"]
    return totals
