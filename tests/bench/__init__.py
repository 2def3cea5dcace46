"""`python -m tests.bench`: figures as ratios to floors measured in the same run (`docs/performance.md`)."""
