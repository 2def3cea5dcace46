"""Mandates: the one document both sides sign, its limits, and what becomes of it with the certificate."""
