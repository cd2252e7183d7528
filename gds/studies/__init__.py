"""Whole experiments over the rest of the library, a folder each."""
