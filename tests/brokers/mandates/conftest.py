"""The guild of certificates and mandates, for these tests too."""

from tests.brokers.test_service import guild, guilds

__all__ = ["guild", "guilds"]
