"""Everything with ``fit`` and ``predict_proba``: chance, covariates, the methods to beat, and adapters for networks."""
