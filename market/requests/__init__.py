"""What buyers look for and the catalogue does not have: named requests, answered with listings."""
