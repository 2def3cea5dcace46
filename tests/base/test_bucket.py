"""A store that is down, slow, full of other things, or closed to us: said plainly, and nothing half done."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace

import pytest

from base.bucket import Address, Bucket
from base.files import FileDamaged, FileStore, FileTooLarge, name_of
from base.homes import StoreUnavailable
from tests.base.buckets import SECRET
from tests.base.test_files import LIMIT, MASTER, collect, content, left_in, overwrite, peak_of, stored, stream

MIB = 2**20


@contextmanager
def silent() -> Iterator[str]:
    """An address where somebody takes the call and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


async def test_a_stream_of_several_parts_goes_up_as_it_comes_and_comes_back(buckets, clock) -> None:
    store = FileStore(buckets.new(), MASTER, clock)
    plain = content(11 * MIB + 5)
    file = await store.put(stream(plain, MIB), limit_bytes=LIMIT)
    assert left_in(store) == [file.file_id]
    assert await collect(store, file) == plain
    assert await collect(store, file, 10 * MIB - 1, 10 * MIB + 1) == plain[10 * MIB - 1 : 10 * MIB + 1]


async def test_a_limit_met_after_the_first_parts_have_gone_leaves_no_part(buckets, clock) -> None:
    store = FileStore(buckets.new(), MASTER, clock)
    with pytest.raises(FileTooLarge):
        await store.put(stream(content(8 * MIB), MIB), limit_bytes=7 * MIB)
    assert left_in(store) == []


async def test_an_object_that_the_store_cut_short_or_lost_is_damaged(buckets, clock) -> None:
    store = FileStore(buckets.new(), MASTER, clock)
    file = await store.put(stream(content(300_000)), limit_bytes=LIMIT)
    overwrite(store, file, stored(store, file)[:200_000])
    with pytest.raises(FileDamaged):
        await collect(store, file)
    await store.delete(file.file_id)
    with pytest.raises(FileDamaged):
        await store.check(file)


async def test_no_bucket_is_said_at_start_up(buckets, clock) -> None:
    missing = Bucket(Address("s3://nobody-made-it", endpoint=buckets.endpoint, **SECRET))
    with pytest.raises(StoreUnavailable, match="no such bucket"):
        await FileStore(missing, MASTER, clock).check_home()
    store = FileStore(buckets.new(), MASTER, clock)
    await store.check_home()
    assert left_in(store) == []


@pytest.mark.parametrize("down", ["closed", "silent"])
async def test_a_store_that_is_down_is_unavailable_whatever_is_asked(down, buckets, clock) -> None:
    bucket = buckets.new()
    file = await FileStore(bucket, MASTER, clock).put(stream(b"four"), limit_bytes=9)
    with silent() as listening:
        address = replace(bucket.address, endpoint=listening if down == "silent" else "http://127.0.0.1:9")
        store = FileStore(Bucket(replace(address, timeout_s=0.2)), MASTER, clock)
        for asked in (
            store.check_home(),
            store.check(file),
            collect(store, file),
            store.delete(file.file_id),
            store.put(stream(content(2 * MIB)), limit_bytes=LIMIT),
        ):
            with pytest.raises(StoreUnavailable) as refused:
                await asked
            assert refused.value.code == "file-store-unavailable"
            assert "127.0.0.1" not in str(refused.value.facts) + refused.value.detail


@asynccontextmanager
async def way_to(endpoint: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """Another address of a store, and what cuts it off: the calls under way and all that would come."""
    port = int(endpoint.rpartition(":")[2])
    ends: list[asyncio.StreamWriter] = []

    async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(MIB):
                sink.write(piece)
                await sink.drain()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        ends.extend([writer, back])
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    relay = await asyncio.start_server(carry, "127.0.0.1", 0)

    def cut() -> None:
        relay.close()
        for end in ends:
            end.transport.abort()

    yield f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}", cut
    cut()


async def test_a_store_that_goes_away_in_the_middle_keeps_nothing_of_the_upload(buckets, clock) -> None:
    direct = buckets.new()
    async with way_to(buckets.endpoint) as (endpoint, cut):
        store = FileStore(Bucket(replace(direct.address, endpoint=endpoint, timeout_s=1.0)), MASTER, clock)
        file = await store.put(stream(b"four"), limit_bytes=9)

        async def interrupted():
            yield content(6 * MIB)
            cut()
            for _ in range(12):
                yield content(2 * MIB)

        with pytest.raises(StoreUnavailable):
            await store.put(interrupted(), limit_bytes=LIMIT)
        with pytest.raises(StoreUnavailable):
            await store.check(file)
    assert [name for name in direct.left() if not name.endswith(".part")] == [file.file_id]


@pytest.mark.soak
async def test_memory_does_not_grow_with_a_file_in_a_bucket(buckets, clock) -> None:
    peak, _ = await peak_of(FileStore(buckets.new(), MASTER, clock), 1600)
    assert peak < 20 * MIB  # three parts of 5 MiB, and pieces


async def test_two_stores_under_two_prefixes_of_a_bucket_do_not_meet(buckets, clock) -> None:
    first = buckets.new()
    other = Bucket(replace(first.address, url=first.address.url.replace("/city/", "/town/")))
    files = [
        await FileStore(home, MASTER, clock).put(stream(b"four"), limit_bytes=9) for home in (first, other)
    ]
    with pytest.raises(FileDamaged):
        await FileStore(first, MASTER, clock).check(files[1])
    assert first.size(name_of(files[0].file_id)) == other.size(name_of(files[1].file_id))
