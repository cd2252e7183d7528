"""Methods on principal components of genotypes."""
