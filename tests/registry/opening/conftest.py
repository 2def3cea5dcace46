"""An office of agencies, furnished once a session: the lists' own."""

from tests.registry.lists.conftest import office, offices

__all__ = ["office", "offices"]
