"""How a product's file becomes a table: the child process that writes it, and what is remembered of it."""
