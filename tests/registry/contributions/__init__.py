"""Tests of joint products."""
