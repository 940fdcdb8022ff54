"""Findings: what the blocks and pairs of a recording show together."""
