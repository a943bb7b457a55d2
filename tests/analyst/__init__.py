"""Tests of what an analyst imports."""
