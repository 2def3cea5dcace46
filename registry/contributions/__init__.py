"""Joint products (融合产品): who gives data to a product of another, on what right, for which share of it."""
