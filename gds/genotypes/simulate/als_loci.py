"""The 15 genome-wide significant ALS loci, and what their odds ratios mean on the liability scale.

Source: van Rheenen et al. 2021, Nature Genetics 53:1636 (hg19; ``beta`` is the log odds ratio of
``effect_allele``). The orientation of ``minor_allele`` follows the paper's cross-disease table of the
same loci. ``gene_start`` and ``gene_end`` are the gene nearest to the variant (for HLA: from HLA-DQA1
to HLA-DQA2), widened to the variant where it lies outside (MOBP, NEK1, COG3, SCFD1).
"""

from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtri


def read_als_loci() -> pd.DataFrame:
    """The published loci, one row each, with the minor allele frequency that their precision implies.

    Returns
    -------
    pandas.DataFrame
        Columns rsid, locus, gene, chromosome, gene_start, gene_end, position (hg19), effect_allele,
        other_allele, minor_allele, beta (log odds ratio of effect_allele), standard_error, p_value,
        n_effective, minor_allele_frequency.
    """
    with (files("gds.genotypes.simulate") / "als_loci.tsv").open() as table:
        loci = pd.read_csv(table, sep="\t", dtype={"chromosome": str})
    # With N_eff = 4 / (1 / cases + 1 / controls), var(beta) = 2 / (N_eff f (1 - f)) under no effect.
    # Imputation error and covariates inflate the published variance, so f comes out a little low.
    spread = 2 / (loci["n_effective"] * loci["standard_error"] ** 2)
    loci["minor_allele_frequency"] = 0.5 - np.sqrt(0.25 - spread)
    return loci


def liability_effect(log_odds_ratio: ArrayLike, prevalence: float) -> np.ndarray:
    """Shift of the liability, in its standard deviations, that a log odds ratio amounts to.

    Adding a to the liability of someone at the population's risk K moves the risk from K to
    Phi(Phi^-1(K) + a); it multiplies the odds by exp(b) if

        a = Phi^-1(expit(logit(K) + b)) - Phi^-1(K),

    which for small b is b K (1 - K) / phi(Phi^-1(1 - K)). A protective allele is the risk allele
    seen from the other side, so the sign of b is applied to the effect of abs(b).

    Parameters
    ----------
    log_odds_ratio
        Per allele.
    prevalence
        K, in (0, 1).
    """
    log_odds_ratio = np.asarray(log_odds_ratio, dtype=np.float64)
    raised = ndtri(expit(logit(prevalence) + np.abs(log_odds_ratio)))
    return np.sign(log_odds_ratio) * (raised - ndtri(prevalence))
