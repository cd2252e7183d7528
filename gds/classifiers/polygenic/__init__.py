"""Polygenic scores of summary statistics, and ridge regression that starts from one."""
