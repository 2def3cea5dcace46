"""What data exists, who holds which right, how it is graded and how good it is."""
