"""Reading, writing, describing and simulating genotypes: numpy and pandas, no torch."""
