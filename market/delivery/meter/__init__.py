"""One meter for every kind of delivery: a use is asked for, counted before its answer leaves, receipted."""
