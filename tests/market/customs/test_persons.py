"""Lists of persons: distinct in one, distinct over several, in bounded memory, and refused where they lie."""

import hashlib
import resource
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.customs.errors import PersonsFileRefused
from market.customs.persons import WIDTH, count_union, key_of, take_in

KEY = key_of(bytes(32))


def line(n: int, salt: str = "group") -> bytes:
    return hashlib.sha256(f"{salt}:{n}".encode()).hexdigest().encode() + b"\n"


def listed(tmp_path, name, numbers, *, cut=1000, salt="group"):
    raw = b"".join(line(n, salt) for n in numbers)
    folder = tmp_path / name
    folder.mkdir(parents=True)
    pieces = (raw[at : at + cut] for at in range(0, len(raw), cut))
    return take_in(pieces, folder, KEY, into=folder / "sorted")


def test_persons_are_counted_once_in_a_list_and_once_over_lists(tmp_path):
    a = listed(tmp_path, "a", [*range(600), *range(300)], cut=77)
    b = listed(tmp_path, "b", range(500, 900))
    c = listed(tmp_path, "c", range(850, 1_000))
    assert (a.persons, b.persons, c.persons) == (600, 400, 150)
    assert count_union([a]) == 600
    assert count_union([a, b]) == 900
    assert count_union([a, b, c]) == 1_000
    assert count_union([]) == 0
    assert a.path.stat().st_size == 600 * WIDTH
    assert sorted(path.name for path in a.path.parent.iterdir()) == ["sorted"]  # no part stays


def test_what_rests_on_disk_is_keyed_again_and_the_order_it_came_in_is_gone(tmp_path):
    a = listed(tmp_path, "a", range(100))
    again = listed(tmp_path, "again", reversed(range(100)))
    raw = a.path.read_bytes()
    assert raw == again.path.read_bytes()
    assert a.digest == again.digest
    assert all(bytes.fromhex(line(n).decode())[:WIDTH] not in raw for n in range(100))
    records = [raw[at : at + WIDTH] for at in range(0, len(raw), WIDTH)]
    assert records == sorted(records)
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = take_in([b"".join(line(n) for n in range(100))], other, key_of(b"1" * 32), into=other / "s")
    assert not set(records) & {
        elsewhere.path.read_bytes()[at : at + WIDTH] for at in range(0, 100 * WIDTH, WIDTH)
    }


def test_another_salt_only_makes_more_of_the_same_persons(tmp_path):
    a, b = listed(tmp_path, "a", range(50)), listed(tmp_path, "b", range(50), salt="other")
    assert count_union([a, b]) == 100


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"440103199001011234\n",
        b"g" * 64 + b"\n",
        b"a" * 63 + b"\n",
        b"a" * 1_000_000,
        b"\xff" * 64,
    ],
)
def test_what_is_no_list_of_hashes_is_refused(tmp_path, raw):
    folder = tmp_path / "bad"
    folder.mkdir()
    with pytest.raises(PersonsFileRefused):
        take_in([raw], folder, KEY, into=folder / "sorted")


def test_the_last_line_needs_no_end_and_windows_ends_are_ends(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    raw = line(1).replace(b"\n", b"\r\n") + line(2).upper() + line(3).strip()
    assert take_in([raw], folder, KEY, into=folder / "sorted").persons == 3


@settings(max_examples=5, deadline=None)
@given(st.lists(st.sets(st.integers(0, 60), min_size=1), min_size=1, max_size=3))
def test_a_union_is_that_of_the_sets(tmp_path_factory, sets):
    folder = tmp_path_factory.mktemp("union")
    lists = [listed(folder, str(n), sorted(one)) for n, one in enumerate(sets)]
    assert count_union(lists) == len(set().union(*sets))


@pytest.mark.soak
def test_ten_million_persons_are_exact_in_little_memory(tmp_path):
    def pieces(first, last):
        for at in range(first, last, 50_000):
            yield b"".join(
                b"%064x\n" % (n * 0x9E3779B97F4A7C15F39CC0605CEDC835) for n in range(at, at + 50_000)
            )

    made = []
    for name, first, last in (("a", 0, 6_000_000), ("b", 4_000_000, 10_000_000)):
        folder = tmp_path / name
        folder.mkdir()
        made.append(take_in(pieces(first, last), folder, KEY, into=folder / "sorted"))
    assert count_union(made) == 10_000_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < 400 * 2**20


def test_more_lists_than_a_process_may_open_are_counted(tmp_path):
    one = listed(tmp_path, "one", range(5))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = [one] * 200
    used = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 64
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 50, hard))
    try:
        assert count_union(many) == 5
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
