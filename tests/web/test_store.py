"""A node whose files rest in a bucket: uploads go there and nowhere else; a store that is away is a 503."""

from contextlib import ExitStack

import pytest

from base.clock import SimulatedClock
from base.homes import StoreUnavailable
from tests.base.buckets import SECRET, Buckets
from tests.web.market import upload
from tests.web.nodes import serving

RAW = b"code,amount\n4401,17\n" * 400


async def test_uploads_rest_in_the_bucket_that_is_named_and_are_refused_while_it_is_away(
    tmp_path, clock: SimulatedClock
) -> None:
    with ExitStack() as store:
        buckets = store.enter_context(Buckets.running())
        bucket = buckets.new()
        named = {
            "store_url": bucket.address.url,
            "store_endpoint": buckets.endpoint,
            "store_key_id": SECRET["key_id"],
            "store_secret": SECRET["secret"],
        }
        async with serving(tmp_path, clock, **named) as served:
            await served.node.files.check_home()
            seller = await served.admit("粤能数科", {"PROVIDER"})
            file_id = await upload(served, seller, "goods.csv", RAW)
            assert bucket.left() == [file_id]
            assert not list(served.node.settings.files_dir.rglob("fil_*"))
            assert RAW[:20] not in bucket.read(f"{file_id[-2:]}/{file_id}", 0, 10**6)

            store.close()
            with pytest.raises(StoreUnavailable):
                await served.node.files.check_home()
            headers = {"authorization": f"Bearer {served.token(seller)}", "file-name": "goods.csv"}
            async with served.client(headers=headers | {"content-type": "text/csv"}) as client:
                answer = await client.put("/api/v1/files", content=RAW)
            assert (answer.status_code, answer.json()["code"]) == (503, "file-store-unavailable")
            assert answer.headers["retry-after"] == "1"
