"""Tests of the data-asset survey."""
