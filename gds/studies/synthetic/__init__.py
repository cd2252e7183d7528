"""Synthetic genotypes: made, and judged."""
