"""Starts `databourse` processes by forking one that has loaded everything: real processes, loaded once.

Run as a program it reads one JSON object a line (`words`, `environment`, `log`), forks a child that runs
the command, and prints the child's process id. Children are reaped by nobody: they are asked by signal 0.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

_DEADLINE_S: Final = 60


class Nursery:
    """The process that forks. `start` answers a child's process id, `run` its exit code and output."""

    def __init__(self) -> None:
        self._mother = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent.parent,
            text=True,
        )
        self.alive: set[int] = set()

    def start(self, words: list[str], environment: dict[str, str], log: Path) -> int:
        """Begin a command; its output is appended to `log`."""
        pid = self._say({"words": words, "environment": environment, "log": str(log)})["pid"]
        self.alive.add(pid)
        return int(pid)

    def end(self, pid: int, how: signal.Signals) -> int:
        """Send a signal and wait for the end; answers the exit code (128 and the signal's number)."""
        os.kill(pid, how)
        return self.wait(pid)

    def wait(self, pid: int) -> int:
        """Wait for a process to end, however it does."""
        ends = time.monotonic() + _DEADLINE_S
        while (code := self._say({"ask": pid})["code"]) is None:
            assert time.monotonic() < ends, "the process did not end"
            time.sleep(0.02)
        self.alive.discard(pid)
        return int(code)

    def close(self) -> None:
        """End every child, then the mother."""
        for pid in list(self.alive):
            with suppress(ProcessLookupError):
                self.end(pid, signal.SIGKILL)
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.close()
        self._mother.wait(_DEADLINE_S)
        self._mother.stdout.close()

    def _say(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.write(json.dumps(order) + "\n")
        self._mother.stdin.flush()
        answer: dict[str, Any] = json.loads(self._mother.stdout.readline())
        return answer


def _mother(orders: IO[str], answers: IO[str]) -> None:
    import cli.exporting
    import cli.serve
    import cli.witnessing  # noqa: F401 - loaded here, once, for all children

    for line in orders:
        order = json.loads(line)
        if "ask" in order:
            pid, status = os.waitpid(order["ask"], os.WNOHANG)
            code = None
            if pid:
                code = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            answers.write(json.dumps({"code": code}) + "\n")
        else:
            pid = os.fork()
            if pid == 0:
                _child(order)
            answers.write(json.dumps({"pid": pid}) + "\n")
        answers.flush()


def _child(order: dict[str, Any]) -> None:
    """Become the command; never comes back."""
    code = 1
    try:
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["databourse", *order["words"]]
        from cli.main import app

        app()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _mother(sys.stdin, sys.stdout)
