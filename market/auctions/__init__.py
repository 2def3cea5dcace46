"""Sealed auctions of a listing: committed bids, revealed after the close, awarded by a pure mechanism."""
