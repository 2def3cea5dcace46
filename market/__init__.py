"""Listings, trades, customs, delivery and settlement."""
