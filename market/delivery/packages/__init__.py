"""A file as an encrypted package that may be fetched ahead, and the release of its key, which is the use."""
