"""Pure: facts in, a Quote with its reasons out; one mechanism a file."""
