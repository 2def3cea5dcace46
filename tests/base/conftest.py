"""What tests of the base begin with: one store that speaks S3, started by the first that asks for it."""

from collections.abc import Iterator

import pytest

from tests.base.buckets import Buckets


@pytest.fixture(scope="package")
def buckets() -> Iterator[Buckets]:
    with Buckets.running() as running:
        yield running
