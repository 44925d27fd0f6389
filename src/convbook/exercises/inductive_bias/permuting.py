"""Permuted pixels, and the ways to pool."""
