"""Runs a trade through its stages: each stage is in its own room below; here is what follows on what."""
