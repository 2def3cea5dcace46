"""The desk of grading, at which a provider's product is known; persons come to it."""

from tests.registry.grading.conftest import bench, benches, sqlite_bench

__all__ = ["bench", "benches", "sqlite_bench"]
