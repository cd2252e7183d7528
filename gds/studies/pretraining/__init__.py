"""Pre-training: from a prepared cohort to a folder that loads in one line."""
