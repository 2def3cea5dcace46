"""Certified data brokers: certificate, mandate, conduct, commission."""
