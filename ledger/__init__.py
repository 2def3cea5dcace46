"""What was said, by whom, in what order: statements, chain, tree, checkpoints, postings."""
