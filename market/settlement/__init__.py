"""Escrow, payment instructions and reconciliation."""
