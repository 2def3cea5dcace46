"""`databourse` and `python -m bank` as real processes that need not import everything each time.

One process imports them and forks for every call: a call has its own process, arguments, folder, environment
and streams, and takes signals, as when the shell starts it. What it loads, and when, is not seen this way
(`tests/cli/test_main.py` looks at that).

    forks().run(["databourse", "node"], environment)           to its end
    forks().start(["bank", "--port", "0"], environment, log)   and on

    python -P tests/forks.py SOCKET                     serves until its standard input ends
    python tests/forks.py SOCKET --call PROGRAM ARGS…   is the command
"""

import gc
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PID_FILE: Final = "FORKS_PID_FILE"  # the command's process: not the one that was started for it
_LENGTH: Final = struct.Struct("!I")
_LIMIT_S: Final = 120
_running: "list[Forks]" = []


class Forked:
    """A command that runs, in the words of `subprocess.Popen`."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = _number(line)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, however it ends; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            with self._line:
                self.returncode = os.waitstatus_to_exitcode(_number(self._line))
        return self.returncode

    def send_signal(self, number: int) -> None:
        """A process that has ended hears nothing."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that forks. `program` runs as `databourse` does, for a shell."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="databourse-forks-"))
        self._address = str(self.folder / "forks.sock")
        self.program = self.folder / "databourse"
        self.program.write_text(f'#!/bin/sh\nexec {" ".join(self._call)} databourse "$@"\n')
        self.program.chmod(0o755)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, self._address],  # -P: this folder has rooms of the same names
            env=clean | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,  # ends with us, in whatever way we end
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n"

    @property
    def _call(self) -> list[str]:
        return [sys.executable, "-SE", __file__, self._address, "--call"]

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], *, timeout: float = _LIMIT_S
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [*self._call, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        out: Path | None = None,
    ) -> Forked:
        """Begin a command; what it says is appended to `log`, or its plain words written to `out`."""
        with (
            Path(os.devnull).open("rb") as nothing,
            log.open("ab") as errors,
            out.open("wb") if out is not None else nullcontext(errors) as output,
        ):
            streams = [nothing.fileno(), output.fileno(), errors.fileno()]
            return _forked(self._address, words, environment, streams)

    def close(self) -> None:
        """End it and everything that it forked."""
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def forks() -> Forks:
    """The suite's own, started by the first who asks."""
    if not _running:
        _running.append(Forks())
    return _running[0]


def close() -> None:
    """End the suite's own, if there is one."""
    while _running:
        _running.pop().close()


def _forked(address: str, words: Sequence[str], environment: Mapping[str, str], streams: list[int]) -> Forked:
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(address)
        asked = {"argv": list(words), "cwd": str(Path.cwd()), "env": dict(environment)}
        said = json.dumps(asked).encode()
        socket.send_fds(line, [_LENGTH.pack(len(said))], streams)
        line.sendall(said)
        return Forked(line)
    except BaseException:
        line.close()
        raise


def call(address: str, arguments: list[str]) -> int:
    """Have the command run, with the streams, folder and environment of this process; answers its code."""
    forked = _forked(address, arguments, os.environ, [0, 1, 2])
    if PID_FILE in os.environ:
        Path(os.environ[PID_FILE]).write_text(str(forked.pid), encoding="ascii")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _frame: os.kill(forked.pid, which))
    code = forked.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def serve(address: str) -> None:
    """Fork for whoever calls, until standard input ends."""
    programs = _loaded()
    gc.collect()
    gc.freeze()  # the children leave these pages alone
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(16)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            with suppress(ChildProcessError):  # nobody waits for the wardens: their time counts as ours
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            caller, _ = door.accept()
            head, streams, _, _ = socket.recv_fds(caller, _LENGTH.size, 3)
            asked = json.loads(_exactly(caller, _LENGTH.unpack(head)[0]))
            if os.fork() == 0:
                door.close()
                _warden(programs, caller, asked, streams)
            caller.close()
            for one in streams:
                os.close(one)
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _loaded() -> dict[str, Callable[[list[str]], Any]]:
    """The programs by name, with what they import when they are called."""
    import bank.__main__
    import supervision.evidence.derive
    import supervision.runner  # noqa: F401
    from cli.main import OFFERED, app, load

    for name in OFFERED:
        if name != "demo":
            load(name)
    return {"databourse": lambda _: app(), "bank": bank.__main__.main}


def _warden(programs: Any, caller: socket.socket, asked: Any, streams: list[int]) -> None:
    """Waits for the command, and tells the caller how it ended; does not return."""
    pid = os.fork()
    if pid == 0:
        caller.close()
        _become(programs, asked, streams)
    for one in streams:
        os.close(one)
    with suppress(OSError):  # a caller that was killed hears nothing
        caller.sendall(_LENGTH.pack(pid))
        _, status = os.waitpid(pid, 0)
        caller.sendall(_LENGTH.pack(status))
    os._exit(0)


def _become(programs: Any, asked: Any, streams: list[int]) -> None:
    """Be the command; does not return."""
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = asked["argv"]
    code = 1
    try:
        ended = programs[sys.argv[0]](sys.argv[1:])
        code = ended if isinstance(ended, int) else 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _number(source: socket.socket) -> int:
    return int(_LENGTH.unpack(_exactly(source, _LENGTH.size))[0])


def _exactly(source: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        more = source.recv(length - len(got))
        if not more:
            raise ConnectionError("the forking process is gone")
        got += more
    return got


if __name__ == "__main__":
    if "--call" in sys.argv[2:3]:
        sys.exit(call(sys.argv[1], sys.argv[3:]))
    serve(sys.argv[1])
