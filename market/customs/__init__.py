"""Whether a delivery leaves the country, and whether it may."""
