"""Data subjects."""
