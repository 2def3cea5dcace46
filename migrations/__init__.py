"""The schema, step by step. `migrations.run` brings a database to the newest step."""
