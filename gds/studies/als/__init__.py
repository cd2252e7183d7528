"""What is known of ALS, held against a few-label run."""
