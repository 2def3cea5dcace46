"""Opening public data: the open list, to all, to named users, by agreement; and whether it is true."""
