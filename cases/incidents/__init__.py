"""Security incidents of the exchange and its members, and the early warnings that come before them."""
