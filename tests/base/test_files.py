"""The object store: whatever range is asked for, the right bytes or a refusal; after a failure, nothing."""

import asyncio
import errno
import hashlib
import os
import random
import time
import tracemalloc
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from base.clock import SimulatedClock
from base.errors import Malformed
from base.files import (
    KEY_BYTES,
    SEGMENT_BYTES,
    SEGMENTS_AT_ONCE,
    TAG_BYTES,
    FileDamaged,
    FileEmpty,
    FileStore,
    FileTooLarge,
    RangeOutside,
    StoredFile,
    name_of,
    sealed_length,
)
from base.homes import Folder
from base.signing import wrap

SEALED = SEGMENT_BYTES + TAG_BYTES
MASTER = bytes(range(32))
LIMIT = 64 * 2**20


def content(length: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(length)


async def stream(data: bytes, chunk: int = 100_000):
    for start in range(0, len(data), chunk):
        yield data[start : start + chunk]


async def collect(store: FileStore, file: StoredFile, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(file, start, end)])


def left_in(store: FileStore) -> list[str]:
    """Names of what is there, half written or whole."""
    if isinstance(store.home, Folder):
        return sorted(path.name for path in store.home.folder.rglob("*") if path.is_file())
    return store.home.left()


def stored(store: FileStore, file: StoredFile) -> bytearray:
    """The bytes as they rest."""
    return bytearray(store.home.tail(name_of(file.file_id), 10**9).raw)


def overwrite(store: FileStore, file: StoredFile, raw: bytes) -> None:
    """Put other bytes in the place of those that rest."""
    writing = store.home.create(name_of(file.file_id), most_bytes=len(raw))
    writing.open()
    writing.write(bytes(raw))
    writing.finish()


@pytest.fixture
def folder(tmp_path, clock: SimulatedClock) -> FileStore:
    return FileStore(tmp_path / "files", MASTER, clock)


@pytest.fixture(params=["folder", "bucket"])
def store(request, clock: SimulatedClock) -> FileStore:
    if request.param == "folder":
        return request.getfixturevalue("folder")
    return FileStore(request.getfixturevalue("buckets").new(), MASTER, clock)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A store that all examples of a property share."""
    return FileStore(
        tmp_path_factory.mktemp("shelf"), MASTER, SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))
    )


borders = st.builds(
    lambda segments, off: max(1, segments * SEGMENT_BYTES + off),
    st.integers(0, 2 * SEGMENTS_AT_ONCE + 1),
    st.integers(-17, 17),
)


@settings(max_examples=40, deadline=None)
@given(length=borders, chunk=st.integers(1_000, 300_000), data=st.data())
@example(length=SEGMENT_BYTES, chunk=SEGMENT_BYTES, data=None)
@example(length=SEGMENT_BYTES * SEGMENTS_AT_ONCE, chunk=7_001, data=None)
async def test_any_range_of_any_length_comes_back_exactly(shelf, length, chunk, data) -> None:
    plain = content(length, seed=length)
    file = await shelf.put(stream(plain, chunk), limit_bytes=length)
    assert (file.bytes, file.sha256) == (length, hashlib.sha256(plain).hexdigest())
    assert len(stored(shelf, file)) == sealed_length(length)
    ranges = [(0, length), (length - 1, length), (0, 0), (length, length)]
    if data is not None:
        point = st.one_of(borders.map(lambda n: min(n, length)), st.integers(0, length))
        ranges += [tuple(sorted(data.draw(st.tuples(point, point)))) for _ in range(5)]
    for start, end in ranges:
        assert await collect(shelf, file, start, end) == plain[start:end]


async def test_a_range_reads_only_the_segments_it_touches(store) -> None:
    plain = content(5 * SEGMENT_BYTES)
    file = await store.put(stream(plain), limit_bytes=LIMIT)
    sealed = stored(store, file)
    for segment in (0, 1, 3, 4):
        sealed[segment * SEALED] ^= 1
    overwrite(store, file, sealed)
    start, end = 2 * SEGMENT_BYTES, 3 * SEGMENT_BYTES
    assert await collect(store, file, start, end) == plain[start:end]
    with pytest.raises(FileDamaged):
        await collect(store, file, start - 1, end)


async def test_stored_bytes_show_nothing_of_the_plaintext_and_only_the_owner_may_read_them(folder) -> None:
    file = await folder.put(stream(b"carrier,flight\n" * 9_000), limit_bytes=LIMIT)
    path = folder.path(file.file_id)
    assert b"carrier" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_the_form_on_the_disk_is_the_one_that_is_written_down(store) -> None:
    """Opened by hand, from the words at the head of `base.files`: a restored backup needs no code of ours."""
    plain = content(2 * SEGMENT_BYTES + 3)
    file = await store.put(stream(plain), limit_bytes=LIMIT)
    sealed = bytes(stored(store, file))
    bound = f'["databourse:file:v2","{file.file_id}",{len(plain)},"{file.sha256}"]'.encode()
    sealed, last = sealed[:-64], sealed[-64:]
    assert last[:4] == b"DBF2"
    key = AESGCM(AESGCM(MASTER).decrypt(last[4:16], last[16:], bound))
    nonces = [bytes(10) + bytes([counter, final]) for counter, final in ((0, 0), (1, 0), (2, 1))]
    segments = [sealed[n * SEALED : (n + 1) * SEALED] for n in range(3)]
    opened = [key.decrypt(nonce, segment, None) for nonce, segment in zip(nonces, segments, strict=True)]
    assert b"".join(opened) == plain


async def test_a_file_from_before_is_read_as_it_is(store) -> None:
    """`DBF1` has its wrapped key in front."""
    plain = content(2 * SEGMENT_BYTES + 3)
    file = StoredFile("fil_" + "0" * 26, len(plain), hashlib.sha256(plain).hexdigest())
    bound = f'["databourse:file:v1","{file.file_id}",{len(plain)},"{file.sha256}"]'.encode()
    key = AESGCM.generate_key(256)
    cuts = [plain[n * SEGMENT_BYTES : (n + 1) * SEGMENT_BYTES] for n in range(3)]
    nonces = [bytes(10) + bytes([counter, final]) for counter, final in ((0, 0), (1, 0), (2, 1))]
    segments = [AESGCM(key).encrypt(nonce, cut, None) for nonce, cut in zip(nonces, cuts, strict=True)]
    before = b"DBF1" + wrap(MASTER, key, bound) + b"".join(segments)
    overwrite(store, file, before)
    assert await collect(store, file) == plain
    assert await collect(store, file, SEGMENT_BYTES - 1, SEGMENT_BYTES + 1) == plain[SEGMENT_BYTES - 1 :][:2]
    overwrite(store, file, flip(bytearray(before), len(before) - 1))
    with pytest.raises(FileDamaged):
        await collect(store, file)


async def test_the_same_bytes_twice_are_two_files_with_two_keys(store) -> None:
    first, second = [await store.put(stream(b"same"), limit_bytes=9) for _ in range(2)]
    assert first.sha256 == second.sha256
    assert first.file_id != second.file_id
    bodies = [stored(store, file)[:-KEY_BYTES] for file in (first, second)]
    assert bodies[0] != bodies[1]


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 5), (5, 5)])
async def test_a_range_outside_the_file_is_refused(store, start, end) -> None:
    file = await store.put(stream(b"four"), limit_bytes=9)
    with pytest.raises(RangeOutside) as refused:
        await collect(store, file, start, end)
    assert refused.value.code == "range-not-satisfiable"


async def test_an_empty_file_is_refused_and_leaves_nothing(store) -> None:
    with pytest.raises(FileEmpty) as refused:
        await store.put(stream(b""), limit_bytes=9)
    assert refused.value.code == "file-empty"
    assert left_in(store) == []


async def test_a_file_above_the_limit_is_refused_before_the_rest_is_read_and_leaves_nothing(store) -> None:
    sent = []

    async def endless():
        while True:
            sent.append(1)
            yield bytes(SEGMENT_BYTES)

    with pytest.raises(FileTooLarge) as refused:
        await store.put(endless(), limit_bytes=3 * SEGMENT_BYTES)
    assert (refused.value.code, len(sent)) == ("file-too-large", 4)
    assert left_in(store) == []
    exactly = await store.put(stream(bytes(3 * SEGMENT_BYTES)), limit_bytes=3 * SEGMENT_BYTES)
    assert exactly.bytes == 3 * SEGMENT_BYTES


async def test_a_stream_that_breaks_off_leaves_nothing(store) -> None:
    async def broken():
        yield bytes(3 * SEGMENT_BYTES)
        raise ConnectionResetError("the caller went away")

    with pytest.raises(ConnectionResetError):
        await store.put(broken(), limit_bytes=LIMIT)
    assert left_in(store) == []


async def test_an_upload_that_is_cancelled_leaves_nothing(store) -> None:
    reached = asyncio.Event()

    async def stalls():
        yield bytes(3 * SEGMENT_BYTES)
        reached.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(store.put(stalls(), limit_bytes=LIMIT))
    await reached.wait()
    assert [name.endswith(".part") for name in left_in(store)] == [True]  # nobody sees it under its name
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert left_in(store) == []


async def test_a_disk_that_fails_leaves_no_file_and_no_success(folder, monkeypatch) -> None:
    def refuses(_handle) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuses)
    folder.home.folder.mkdir()
    with pytest.raises(OSError, match="No space"):
        await folder.put(stream(b"four"), limit_bytes=9)
    assert left_in(folder) == []


async def test_file_and_folder_are_flushed_after_the_last_byte_and_before_success(
    folder, monkeypatch
) -> None:
    flushed = []
    real = os.fsync

    def seen(handle: int) -> None:
        real(handle)
        flushed.append((os.fstat(handle).st_ino, os.fstat(handle).st_size))

    monkeypatch.setattr(os, "fsync", seen)
    file = await folder.put(stream(b"four"), limit_bytes=9)
    path = folder.path(file.file_id)
    assert flushed[-2] == (path.stat().st_ino, sealed_length(4))
    assert flushed[-1][0] == path.parent.stat().st_ino


def flip(sealed: bytearray, at: int) -> bytearray:
    sealed[at] ^= 1
    return sealed


def swap(sealed: bytearray, one: int, other: int) -> bytearray:
    a, b = (slice(n * SEALED, (n + 1) * SEALED) for n in (one, other))
    sealed[a], sealed[b] = sealed[b], sealed[a]
    return sealed


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda s: flip(s, len(s) - KEY_BYTES), id="magic"),
        pytest.param(lambda s: flip(s, len(s) - KEY_BYTES + 10), id="key"),
        pytest.param(lambda s: flip(s, 0), id="first byte"),
        pytest.param(lambda s: flip(s, len(s) - 1), id="last byte"),
        pytest.param(lambda s: swap(s, 0, 1), id="segments swapped"),
        pytest.param(lambda s: s[: 2 * SEALED], id="cut at a segment"),
        pytest.param(lambda s: s[:SEALED] + s[-KEY_BYTES:], id="segments cut out"),
        pytest.param(lambda s: s[:-1], id="cut inside the key"),
        pytest.param(lambda s: s[-KEY_BYTES:], id="all segments gone"),
        pytest.param(lambda s: s[:9], id="cut inside a segment"),
        pytest.param(lambda s: bytearray(), id="emptied"),
        pytest.param(lambda s: s[:SEALED] + s, id="segment repeated"),
        pytest.param(lambda s: s + b"\0", id="byte added"),
    ],
)
async def test_every_damage_is_found(store, damage, tmp_path) -> None:
    file = await store.put(stream(content(3 * SEGMENT_BYTES)), limit_bytes=LIMIT)
    overwrite(store, file, damage(stored(store, file)))
    with pytest.raises(FileDamaged) as found:
        await collect(store, file)
    assert found.value.code == "file-damaged"
    with pytest.raises(FileDamaged):
        await store.copy_to(file, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@given(at=st.integers(0, sealed_length(2 * SEGMENT_BYTES + 100) - 1), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
async def test_no_single_bit_can_change_unseen(shelf, at, bit) -> None:
    plain = content(2 * SEGMENT_BYTES + 100)
    file = await shelf.put(stream(plain), limit_bytes=LIMIT)
    sealed = stored(shelf, file)
    sealed[at] ^= 1 << bit
    overwrite(shelf, file, sealed)
    with pytest.raises(FileDamaged):
        await collect(shelf, file)


async def test_a_segment_of_another_file_does_not_open(store) -> None:
    one, other = [await store.put(stream(content(2 * SEGMENT_BYTES, n)), limit_bytes=LIMIT) for n in (1, 2)]
    sealed, foreign = stored(store, one), stored(store, other)
    overwrite(store, one, sealed[:SEALED] + foreign[SEALED:-KEY_BYTES] + sealed[-KEY_BYTES:])
    with pytest.raises(FileDamaged):
        await collect(store, one)


async def test_a_whole_file_put_in_the_place_of_another_is_found(store) -> None:
    one, other = [await store.put(stream(content(100, n)), limit_bytes=LIMIT) for n in (1, 2)]
    overwrite(store, one, stored(store, other))
    with pytest.raises(FileDamaged):
        await store.check(one)


async def test_check_finds_a_cut_or_missing_file_before_an_answer_begins(store) -> None:
    file = await store.put(stream(content(3 * SEGMENT_BYTES)), limit_bytes=LIMIT)
    await store.check(file)
    overwrite(store, file, stored(store, file)[:-1])
    with pytest.raises(FileDamaged):
        await store.check(file)
    await store.delete(file.file_id)
    with pytest.raises(FileDamaged):
        await store.check(file)


async def test_another_master_key_opens_nothing(store, clock) -> None:
    file = await store.put(stream(b"four"), limit_bytes=9)
    with pytest.raises(FileDamaged):
        await FileStore(store.home, bytes(32), clock).check(file)


async def test_a_record_with_another_digest_or_length_opens_nothing(store) -> None:
    file = await store.put(stream(b"four"), limit_bytes=9)
    for wrong in (
        StoredFile(file.file_id, 4, hashlib.sha256(b"five").hexdigest()),
        StoredFile(file.file_id, 3, file.sha256),
    ):
        with pytest.raises(FileDamaged):
            await store.check(wrong)


@pytest.mark.parametrize("file_id", ["", "fil_", "../../etc/passwd", "fil_" + "/" * 26, "org_" + "0" * 26])
async def test_only_a_file_id_names_a_file(store, file_id) -> None:
    with pytest.raises(Malformed):
        await store.check(StoredFile(file_id, 4, "0" * 64))


async def test_a_copy_is_whole_private_and_never_overwrites(store, tmp_path) -> None:
    plain = content(3 * SEGMENT_BYTES + 5)
    file = await store.put(stream(plain), limit_bytes=LIMIT)
    target = tmp_path / "copy.csv"
    await store.copy_to(file, target)
    assert target.read_bytes() == plain
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        await store.copy_to(file, target)
    assert target.read_bytes() == plain


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_no_error(store) -> None:
    file = await store.put(stream(b"four"), limit_bytes=9)
    await store.delete(file.file_id)
    await store.delete(file.file_id)
    assert left_in(store) == []


async def test_what_a_crash_left_is_removed_but_not_an_upload_under_way(folder) -> None:
    file = await folder.put(stream(b"four"), limit_bytes=9)
    place = folder.path(file.file_id).parent
    old, fresh = place / "fil_old.part", place / "fil_fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert await folder.remove_abandoned() == 1
    assert left_in(folder) == sorted([file.file_id, "fil_fresh.part"])


class Cache(Folder):
    """A folder of which the system holds what it is told to; no disk is asked."""

    held: frozenset[int] = frozenset()

    def at_hand(self, name: str, start: int, length: int) -> bytearray | None:
        return bytearray(self.read(name, start, length)) if start // SEALED in self.held else None


@pytest.mark.parametrize("held", [(), (0,), (8,), (0, 8), (8, 16), (0, 8, 16)])
async def test_what_is_in_memory_is_opened_on_the_spot_and_the_rest_on_threads(
    tmp_path, clock, monkeypatch, held
) -> None:
    home = Cache(tmp_path / "files")
    home.held = frozenset(held)
    store = FileStore(home, MASTER, clock)
    plain = content(2 * SEGMENTS_AT_ONCE * SEGMENT_BYTES + 5)
    file = await store.put(stream(plain), limit_bytes=LIMIT)
    visits = []
    to_thread = asyncio.to_thread

    async def counted(work, *arguments):
        visits.append(work)
        return await to_thread(work, *arguments)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    assert await collect(store, file) == plain
    assert len(visits) == 1 + 3 - len(held)


async def test_others_have_their_turn_while_a_file_in_memory_is_read(tmp_path, clock) -> None:
    home = Cache(tmp_path / "files")
    home.held = frozenset(range(0, 64, SEGMENTS_AT_ONCE))
    store = FileStore(home, MASTER, clock)
    file = await store.put(stream(content(64 * SEGMENT_BYTES)), limit_bytes=LIMIT)
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    working = asyncio.create_task(other())
    pieces = store.read(file)
    await anext(pieces)
    before = len(turns)
    assert len([piece async for piece in pieces]) == 7
    working.cancel()
    assert len(turns) - before >= 7


def test_a_folder_says_what_is_in_memory_and_never_waits_for_what_is_not(tmp_path, monkeypatch) -> None:
    home = Folder(tmp_path)
    home.path("one").write_bytes(b"0123456789")
    asked = []
    answers = [BlockingIOError(errno.EAGAIN, "not here"), 3, 4, OSError(errno.EOPNOTSUPP, "who knows")]

    def preadv(handle: int, into: list[bytearray], start: int, flags: int) -> int:
        asked.append((start, flags))
        answer = answers[len(asked) - 1]
        if isinstance(answer, OSError):
            raise answer
        into[0][:answer] = home.path("one").read_bytes()[start : start + answer]
        return answer

    monkeypatch.setattr(os, "RWF_NOWAIT", 8, raising=False)
    monkeypatch.setattr(os, "preadv", preadv)
    said = [Folder.at_hand(home, "one", 2, 4) for _ in range(5)]
    assert said == [None, None, b"2345", None, None]
    assert asked == [(2, 8)] * 4  # a file system that cannot say is not asked again
    assert home.at_hand("none", 0, 4) is None


async def test_memory_does_not_grow_with_the_file(folder) -> None:
    peak, file = await peak_of(folder, 400)
    assert peak < file.bytes // 4


async def peak_of(store: FileStore, chunks: int) -> tuple[int, StoredFile]:
    """Bytes of memory at most while a file of so many segments is put and read."""
    chunk = bytes(SEGMENT_BYTES)

    async def long():
        for _ in range(chunks):
            yield chunk

    tracemalloc.start()
    try:
        file = await store.put(long(), limit_bytes=chunks * SEGMENT_BYTES)
        read = 0
        async for part in store.read(file):
            read += len(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == file.bytes == chunks * SEGMENT_BYTES
    return peak, file
