"""A buyer's own copy: marked so that a leaked file names the delivery it came from."""
