"""Evidence tables, rules, findings and statistics: runs offline from a bundle, and writes nothing.

Importing this package loads no engine; `supervision.runner` does, in the command's own process.
"""
