"""Whole experiments over the rest of the library: pre-training, few-label classification."""
