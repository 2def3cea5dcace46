"""`python -m bank`: open the bank on its folder and serve until told to stop."""

import argparse
import fcntl
import logging
import os
import socket
import sys
from base64 import b64encode
from pathlib import Path
from typing import IO

import orjson
import uvicorn

from bank.app import create_app
from bank.opening import Bank, open_bank
from base.errors import Malformed
from base.signing import parse_public_key


def main(arguments: list[str] | None = None) -> int:
    """Serve. Prints one JSON line when the bank listens: its address, key and accounts."""
    asked = _arguments().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)  # what the bank writes is its owner's alone, whatever the folder allows
    asked.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (asked.data / "bank.lock").open("w") as lock:
        if not _alone(lock):
            return _refuse(f"another bank runs on {asked.data}")
        with socket.create_server((asked.host, asked.port), backlog=128) as listener:
            try:
                bank = open_bank(
                    folder=asked.data,
                    exchange_url=asked.exchange_url,
                    exchange_key=parse_public_key(asked.exchange_key),
                    simulated=asked.clock == "simulated",
                    controllable=asked.control,
                )
            except Malformed as error:
                return _refuse(f"{error.detail} {error.facts}")
            _say(_facts(bank, listener))
            config = uvicorn.Config(create_app(bank), log_level="warning", access_log=False, ws="none")
            uvicorn.Server(config).run(sockets=[listener])
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bank", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of the bank's file and key")
    parser.add_argument("--exchange-url", required=True, help="where notifications go")
    parser.add_argument("--exchange-key", required=True, help="the exchange's Ed25519 public key, base64")
    parser.add_argument("--clock", choices=("system", "simulated"), default="system")
    parser.add_argument("--control", action="store_true", help="faults on demand, for whoever has the token")
    return parser


def _alone(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _facts(bank: Bank, listener: socket.socket) -> dict[str, str]:
    host, port = listener.getsockname()[:2]
    return {
        "url": f"http://{host}:{port}",
        "public_key": b64encode(bank.desk.key.public).decode(),
        "keyid": bank.desk.key.keyid,
        "escrow_account": bank.desk.house.escrow,
        "fee_account": bank.desk.house.fee,
    }


def _say(facts: dict[str, str]) -> None:
    sys.stdout.write(orjson.dumps(facts).decode() + os.linesep)
    sys.stdout.flush()


def _refuse(why: str) -> int:
    sys.stderr.write(why + os.linesep)
    return 2


if __name__ == "__main__":
    sys.exit(main())
