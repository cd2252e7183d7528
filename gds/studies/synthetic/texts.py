"""What the page on synthetic genotypes says about its figures and references."""

REFERENCES = {
    "real_half": "real half",
    "held_out": "held out",
    "unseen_people": "unseen half",
    "real_half_recovery": "recovery, real halves",
    "independent_sites": "independent sites",
    "gaussian_threshold": "Gaussian threshold",
    "exact_frequencies": "exact frequencies",
    "one_variant_changed": "near copies",
}
SECTIONS = {
    "fidelity": (
        "Fidelity",
        "Are synthetic people like the real ones the generator was trained on? Each figure stands beside references. "
        "Real half: two random halves of the training people against each other, the best that can be had of so many. "
        "Held out: people that nothing was trained on. Independent sites keep allele frequencies only; the Gaussian "
        "threshold model keeps frequencies and pairwise LD in closed form: a trained generator has to earn its place "
        "beside it.\n\n"
        "AA_truth is the share of real people whose nearest synthetic person is farther than their nearest other real "
        "person, AA_syn the same the other way round; AATS averages two parts that can fail in opposite directions, so "
        "it gets no verdict. Precision and coverage ask whether synthetic people are plausible, recall whether they "
        "are various. Close relatives have a kinship above .177; variants are out of Hardy-Weinberg proportions at a "
        "mid-p below 1e-4.",
    ),
    "privacy": (
        "Privacy",
        "Do synthetic people give away those trained on? Unseen half: real people that nothing was trained on, in the "
        "place of synthetic ones; no figure may see a leak there. Near copies: training people of whom one variant was "
        "changed, whom every figure of fidelity takes for perfect; every figure but that of exact copies must see "
        "them. The generators in closed form say what frequencies, and frequencies with pairwise LD, give away. Exact "
        "frequencies: what the best test would reach if the training frequencies were published, in closed form.\n\n"
        "A near copy is nearer to a training person than 1 % of held-out people are. Privacy loss is the AATS of "
        "held-out less that of training people. Membership by distance takes for trained on whoever has a synthetic "
        "person near; by allele frequencies, whose alleles are commoner among synthetic than among held-out people, "
        "linkage taken into account. TPR at 1 % FPR: share of training people found when 1 % of others are wrongly "
        "accused, given where at least ten false positives are expected.\n\n"
        "Each interval covers 99.7 %, so that a generator that gives nothing away is flagged anywhere in at most 3.2 % "
        "of evaluations. No figure is a guarantee; only training with differential privacy gives one.",
    ),
}
COVERAGE = {"fidelity": "95", "privacy": "99.7"}
RECOVERY_CAPTION = (
    "Utility: accuracy on held-out real people of classifiers trained on real people, on as many synthetic ones, and "
    "on as many of the generators in closed form. Recovery is that of synthetic over that of real people, to be read "
    "beside chance (a classifier that says the commonest class recovers chance / real) and beside what one half of "
    "the real training people recovers of the other. In brackets: 95 % intervals"
)
FRACTION_CAPTION = (
    "Real and synthetic people together: accuracy on held-out real people by the share of real training people; "
    "a generator that saw everyone's labels makes this a statement about the generator, not about few labels"
)
COLUMNS = {
    "real_half_recovery": "recovery, real halves",
    "independent_sites": "independent sites",
    "gaussian_threshold": "Gaussian threshold",
    "real_and_synthetic": "real and synthetic",
    "n_real": "real people",
    "n": "trained on",
    "held_out": "held out",
}
