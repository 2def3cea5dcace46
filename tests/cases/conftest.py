"""Cases are about trades: the same market as theirs."""

from tests.market.conftest import scene, scenery, sqlite_scene

__all__ = ["scene", "scenery", "sqlite_scene"]
