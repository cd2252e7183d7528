"""Accuracy against the number of labels."""
