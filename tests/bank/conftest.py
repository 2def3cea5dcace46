"""The exchange and bank these tests share; what kills a bank or turns its clock starts its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bank.exchange import Exchange
from tests.bank.process import BankProcess, start_bank


@pytest.fixture(scope="session")
def exchange() -> Iterator[Exchange]:
    with Exchange() as exchange:
        yield exchange


@pytest.fixture(scope="session")
def bank(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    bank = start_bank(tmp_path_factory.mktemp("bank"), exchange.url, exchange.key_b64)
    exchange.bank_key_b64 = bank.key_b64
    yield bank
    bank.stop()


@pytest.fixture
def own_exchange() -> Iterator[Exchange]:
    with Exchange() as exchange:
        yield exchange


@pytest.fixture
def own_bank(own_exchange: Exchange, tmp_path: Path) -> Iterator[BankProcess]:
    bank = start_bank(tmp_path, own_exchange.url, own_exchange.key_b64, simulated=True)
    own_exchange.bank_key_b64 = bank.key_b64
    yield bank
    bank.stop()
