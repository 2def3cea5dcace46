"""The bank put together: file, clock, key, accounts, courier."""

from dataclasses import dataclass
from pathlib import Path

from bank.accounts import open_house
from bank.clock import BankClock
from bank.courier import Courier
from bank.instructions import Desk
from bank.keys import control_token, signing_key
from bank.link import ExchangeLink
from bank.store import Store


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank that is open. Without a control token it has no control endpoints."""

    desk: Desk
    courier: Courier
    control_token: str | None

    def close(self) -> None:
        """Stop carrying messages and close the file; what waits goes on at the next start."""
        self.courier.stop()
        self.desk.store.close()


def open_bank(
    *, folder: Path, exchange_url: str, exchange_key: bytes, simulated: bool, controllable: bool
) -> Bank:
    """Open the bank on its data folder, which is made (for its owner only) if there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = signing_key(folder)
    store = Store(folder / "bank.sqlite")
    clock = BankClock(store, simulated=simulated)
    with store.write() as db:
        house = open_house(db, clock)
    return Bank(
        desk=Desk(store=store, house=house, clock=clock, key=key, exchange_key=exchange_key),
        courier=Courier(store, house, clock, ExchangeLink(exchange_url)),
        control_token=control_token(folder) if controllable else None,
    )
