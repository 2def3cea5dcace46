"""Duties of security: assessments and reviews, yearly risk, assessors, catalogue rounds, confidences."""
