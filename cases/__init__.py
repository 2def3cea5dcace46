"""The regulator's acts: findings become cases, cases lead to orders."""
