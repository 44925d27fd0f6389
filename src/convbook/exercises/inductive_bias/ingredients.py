"""Deeper networks, and what the inductive bias consists of."""
