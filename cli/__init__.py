"""The command line: databourse."""
