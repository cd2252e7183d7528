"""Methods for phased genotypes: who is copied from whom, window by window."""
