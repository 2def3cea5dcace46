"""`databourse` as real processes that need not import everything each time.

One process imports the commands and forks for every call: a call has its own process, arguments, folder,
environment and streams, and takes signals, as when the shell starts it. What it loads, and when, is not seen
this way (`tests/cli/test_main.py` looks at that).

    python -P tests/forks.py SOCKET               serves
    python tests/forks.py SOCKET --call ARGS…     is the command
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PID_FILE: Final = "FORKS_PID_FILE"  # the command's process: not the one that was started for it
_LENGTH: Final = struct.Struct("!I")


@contextmanager
def forking(folder: Path) -> Iterator[Path]:
    """A program in the folder that runs as `databourse` does; gone with the context."""
    address = folder / "forks.sock"
    program = folder / "databourse"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -SE "{__file__}" "{address}" --call "$@"\n')
    program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABOURSE_")}
    with subprocess.Popen(
        [sys.executable, "-P", __file__, str(address)],  # -P: this folder has rooms of the same names
        env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield program
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def call(address: str, arguments: list[str]) -> int:
    """Have the command run, with the streams, folder and environment of this process; answers its code."""
    with socket.socket(socket.AF_UNIX) as to:
        to.connect(address)
        asked = json.dumps({"argv": arguments, "cwd": str(Path.cwd()), "env": dict(os.environ)}).encode()
        socket.send_fds(to, [_LENGTH.pack(len(asked))], [0, 1, 2])
        to.sendall(asked)
        pid = _LENGTH.unpack(_exactly(to, _LENGTH.size))[0]
        if PID_FILE in os.environ:
            Path(os.environ[PID_FILE]).write_text(str(pid), encoding="ascii")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda which, _frame: os.kill(pid, which))
        status = _LENGTH.unpack(_exactly(to, _LENGTH.size))[0]
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def serve(address: str) -> None:
    """Fork for whoever calls."""
    from cli.main import OFFERED, app, load

    for name in OFFERED:
        if name != "demo":
            load(name)
    import bank.app  # noqa: F401
    import cli.audit_database
    import cli.exporting  # noqa: F401
    import supervision.evidence.derive
    import supervision.runner  # noqa: F401

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(16)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the wardens
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            caller, _ = door.accept()
            head, streams, _, _ = socket.recv_fds(caller, _LENGTH.size, 3)
            asked = json.loads(_exactly(caller, _LENGTH.unpack(head)[0]))
            if os.fork() == 0:
                door.close()
                _warden(app, caller, asked, streams)
            caller.close()
            for one in streams:
                os.close(one)


def _warden(app: Any, caller: socket.socket, asked: Any, streams: list[int]) -> None:
    """Waits for the command, and tells the caller how it ended; does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        caller.close()
        _become(app, asked, streams)
    for one in streams:
        os.close(one)
    caller.sendall(_LENGTH.pack(pid))
    _, status = os.waitpid(pid, 0)
    caller.sendall(_LENGTH.pack(status))
    os._exit(0)


def _become(app: Any, asked: Any, streams: list[int]) -> None:
    """Be the command; does not return."""
    for number, one in enumerate(streams):
        os.dup2(one, number)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["databourse", *asked["argv"]]
    code = 1
    try:
        app()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


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
