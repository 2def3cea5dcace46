"""Quality of public data: entries of the lists measured, and two sources checked against each other."""
