"""Training with differential privacy: one clipped gradient a person, noise, and an account of what it costs.

DP-SGD (Abadi et al. 2016) by Opacus, in a small loop of its own: people are drawn by a coin each (Poisson sampling),
which is what the accountant's theorem is about and what transformers.Trainer cannot do.
"""
