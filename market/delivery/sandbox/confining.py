"""What a child takes away from itself before it reads anything of a stranger's. Linux; each wall by itself.

Limits of memory, processor time and files are there everywhere (`registry.confined`). Above them: a network
of its own with nobody in it, no file but the one it was given (Landlock), and no call that opens a socket,
starts a program or writes a file (seccomp). A system that lacks one of these has the others; which of them
stand is said with every answer.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Sequence
from typing import Final

_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_NO_NEW_PRIVILEGES: Final = 38
_SET_SECCOMP, _FILTER = 22, 2
_RULESET_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ_FILE: Final = 1 << 2
_ALL_OF_ABI_1: Final = (1 << 13) - 1
_LANDLOCK: Final = (444, 445, 446)  # create a rule set, add a rule, restrict: alike on every machine
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_FOREIGN: Final = 0x40000000  # numbers from here on are another calling convention's
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_NUMBER, _ARCHITECTURE, _SECOND, _THIRD = 0, 4, 24, 32  # where a filter finds them
_WRITING: Final = 0o3 | 0o100 | 0o1000 | 0o2000  # to write, to create, to cut, to append
_INSTRUCTION: Final = struct.Struct("=HBBI")

# By machine: its name for filters, what is refused whatever it says, and how files are opened.
_X86: Final = (
    *(41, 42, 43, 44, 46, 49, 50, 53, 288),  # sockets
    *(56, 57, 58, 59, 322, 435),  # processes and programs
    *(62, 101, 129, 200, 298, 304, 310, 311, 312, 321, 323, 425, 434, 438),  # others' processes, the kernel
    *(
        76,
        82,
        83,
        84,
        85,
        86,
        87,
        88,
        90,
        92,
        133,
        155,
        161,
        165,
        166,
        258,
        259,
        260,
        263,
        264,
        265,
        266,
        268,
    ),
    *(105, 106, 160, 165, 248, 249, 250, 272, 302, 308, 316, 428, 429, 430, 437, 442),
)
_ARM: Final = (
    *(198, 199, 200, 201, 202, 203, 206, 211, 242),
    *(220, 221, 281, 435),
    *(117, 129, 138, 240, 241, 265, 270, 271, 272, 280, 282, 425, 434, 438),
    *(33, 34, 35, 36, 37, 38, 39, 40, 41, 45, 51, 52, 53, 54, 276),
    *(97, 144, 146, 164, 217, 218, 219, 261, 268, 428, 429, 430, 437, 442),
)
_MACHINES: Final = {
    "x86_64": (0xC000003E, _X86, ((2, _SECOND), (257, _THIRD))),
    "aarch64": (0xC00000B7, _ARM, ((56, _THIRD),)),
}


def leave_the_network() -> bool:
    """Enter a network without any way out. Asked first: only a process of one thread may."""
    libc = _libc()
    for flags in (_NEW_NET | _NEW_IPC, _NEW_USER | _NEW_NET | _NEW_IPC):
        if libc is not None and libc.unshare(flags) == 0:
            return True
    return False


def close_the_files(*descriptors: int) -> bool:
    """From now on no file is opened but those that these descriptors name, and they to be read."""
    libc = _libc()
    if libc is None or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    create, add, restrict = _LANDLOCK
    if libc.syscall(create, None, 0, _RULESET_VERSION) < 1:
        return False
    handled = ctypes.create_string_buffer(struct.pack("=Q", _ALL_OF_ABI_1))
    rules = libc.syscall(create, handled, ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for descriptor in descriptors:
            rule = ctypes.create_string_buffer(struct.pack("=Qi", _READ_FILE, descriptor))
            if libc.syscall(add, rules, _PATH_BENEATH, rule, 0) != 0:
                return False
        return bool(libc.syscall(restrict, rules, 0) == 0)
    finally:
        os.close(rules)


def refuse_calls() -> bool:
    """From now on the kernel refuses sockets, programs, new threads, and files that are to be written."""
    libc, machine = _libc(), _MACHINES.get(platform.machine())
    if libc is None or machine is None or libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    program = _program(*machine)
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*one) for one in program))
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, filter_, 0, 0) == 0)


def _program(
    architecture: int, refused: Sequence[int], opening: Sequence[tuple[int, int]]
) -> list[tuple[int, int, int, int]]:
    """A filter: another machine's calls kill, these are refused, a file is opened to be read alone."""
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_FROM, 0, 1, _FOREIGN),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in sorted(set(refused)):
        program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for number, flags in opening:
        program += [
            (_JUMP_EQUAL, 0, 4, number),
            (_LOAD, 0, 0, flags),
            (_JUMP_SET, 0, 1, _WRITING),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        ]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None, use_errno=True) if platform.system() == "Linux" else None
