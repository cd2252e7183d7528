"""Mixtures that learn from unlabelled people too: Hardy-Weinberg and Gaussian classes, priors of frequencies."""
