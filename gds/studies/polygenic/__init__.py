"""Other people's association results in a few-label run."""
