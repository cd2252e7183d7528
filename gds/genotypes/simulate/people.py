"""Who is recruited: candidates are drawn from the pool until enough of them are ill, and enough are not.

A candidate has, for every gene, two haplotypes drawn independently from the pool of their population. So
genes are unlinked, people who share a haplotype in one gene are strangers elsewhere, and nobody is a
copy of anybody. Only causal genes decide on the disease, so only those are drawn for candidates; the
other genes are drawn for the people who are chosen (:func:`gene_haplotypes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from gds.errors import UserError
from gds.genotypes.simulate.disease import Disease
from gds.genotypes.simulate.streams import Purpose, stream

BLOCK_GENES = 2**22  # candidates times causal genes held at a time
MAX_CANDIDATES = 50_000_000  # some minutes on one core
RELATIONS = ("sibling", "parent-offspring", "duplicate")


@dataclass(frozen=True)
class People:
    """Chosen people and what made them ill or not.

    Attributes
    ----------
    population
        Index of the population, (person,).
    is_case
        (person,).
    genetic, liability
        Genetic liability and liability, in standard deviations of liability, (person,).
    index_person
        For relatives the row of the person they are related to, otherwise -1, (person,).
    causal_haplotypes
        Haplotypes within the population, uint16 (person, causal_gene, 2).
    """

    population: np.ndarray
    is_case: np.ndarray
    genetic: np.ndarray
    liability: np.ndarray
    index_person: np.ndarray
    causal_haplotypes: np.ndarray

    def __len__(self) -> int:
        return len(self.population)

    def take(self, rows: np.ndarray) -> "People":
        """Some of the people; their ``index_person`` is left as it was."""
        return People(*(getattr(self, field.name)[rows] for field in fields(self)))

    def shuffled(self, rng: np.random.Generator) -> "People":
        """The same people in random order."""
        order = rng.permutation(len(self))
        place = np.full(len(order) + 1, -1)  # its last entry is where -1, nobody, goes
        place[order] = np.arange(len(order))
        moved = self.take(order)
        moved.index_person[:] = place[moved.index_person]
        return moved


def _stack(groups: Sequence[People]) -> People:
    """All people of some groups; their ``index_person`` is left as it was."""
    return People(
        *(np.concatenate([getattr(group, field.name) for group in groups]) for field in fields(People))
    )


def apportion(total: int, shares: np.ndarray) -> np.ndarray:
    """Whole numbers that sum to ``total`` in proportion to ``shares`` (largest remainders)."""
    shares = np.asarray(shares, dtype=np.float64)
    quota = total * shares / shares.sum()
    counts = np.floor(quota).astype(np.int64)
    largest = np.argsort(counts - quota, kind="stable")[: total - counts.sum()]
    counts[largest] += 1
    return counts


def recruit(
    disease: Disease,
    weights: np.ndarray,
    *,
    n_cases: int,
    n_controls: int,
    n_pairs: int,
    relation: str,
    seed: int,
) -> tuple[People, int, int]:
    """Find cases, controls and their relatives.

    Cases are shared among populations in proportion to weight times prevalence, controls to weight times
    one minus prevalence. Relatives take the place of unrelated people, have the population and the label
    of the person they are related to (families are ascertained through one label), and are shared among
    cases and controls, and among populations, in proportion.

    Parameters
    ----------
    disease
        Who is ill.
    weights
        Share of each population, (population,).
    n_cases, n_controls
        People, relatives included.
    n_pairs
        How many of them are a relative of another one; at most half of any group.
    relation
        One of ``RELATIONS``.
    seed
        Of the whole simulation.

    Returns
    -------
    people, n_screened, n_ill
        The people in random order; how many were drawn to find the unrelated ones, and how many of
        those were ill.

    Raises
    ------
    UserError
        More than ``MAX_CANDIDATES`` people would have to be screened; more pairs than fit.
    """
    risk = disease.prevalence
    wanted = np.stack([apportion(n_controls, weights * (1 - risk)), apportion(n_cases, weights * risk)])
    related = apportion(n_pairs, wanted.ravel()).reshape(wanted.shape)
    if (2 * related > wanted).any():
        raise UserError(
            f"{n_pairs} related pairs do not fit among {n_cases + n_controls} people: "
            "at most half of every group (population and label) can be relatives of the other half"
        )
    needed = float((wanted / np.stack([1 - risk, risk])).max(axis=0).sum())
    if needed > MAX_CANDIDATES:
        raise UserError(
            f"{n_cases} cases and {n_controls} controls at a prevalence of {float(weights @ risk):.3g} would "
            f"take screening about {needed:,.0f} people, more than {MAX_CANDIDATES:,}: ask for fewer"
        )
    groups: list[People] = []
    n_screened = n_ill = 0
    for population in range(len(weights)):
        unrelated, screened, ill = _screen(
            disease, population, wanted[:, population] - related[:, population], seed
        )
        n_screened, n_ill = n_screened + screened, n_ill + ill
        for group, count in zip(unrelated, related[:, population], strict=True):
            # People of a group are in random order, so its first ones are a random sample of it.
            relatives = _relatives(disease, group.take(np.arange(count)), relation, seed)
            start = sum(map(len, groups))
            groups += [group, replace(relatives, index_person=start + np.arange(count))]
    return _stack(groups).shuffled(stream(seed, Purpose.ORDER)), n_screened, n_ill


def gene_haplotypes(
    disease: Disease, people: People, gene: int, size: int, relation: str, seed: int
) -> np.ndarray:
    """Everybody's two haplotypes of one gene within their population's pool, (person, 2)."""
    if gene in disease.causal_genes:
        return people.causal_haplotypes[:, int(np.searchsorted(disease.causal_genes, gene))]
    rng = stream(seed, Purpose.TRANSMISSION, gene)
    haplotypes = rng.integers(0, size, (len(people), 2), dtype=np.uint16)
    relatives = np.flatnonzero(people.index_person >= 0)
    parents = haplotypes[people.index_person[relatives]]
    haplotypes[relatives] = _inherit(parents, haplotypes[relatives], relation, rng)
    return haplotypes


def _inherit(index: np.ndarray, fresh: np.ndarray, relation: str, rng: np.random.Generator) -> np.ndarray:
    """Haplotypes of a relative, (..., 2), from those of the index person and fresh ones of that shape."""
    if relation == "duplicate":
        return index.copy()
    if relation == "sibling":
        # Each parent gave both siblings the same haplotype with probability 1/2.
        return np.where(rng.random(index.shape) < 0.5, index, fresh)
    transmitted = np.where(rng.random(index.shape[:-1]) < 0.5, index[..., 0], index[..., 1])
    return np.stack([transmitted, fresh[..., 1]], axis=-1)


def _block_size(disease: Disease) -> int:
    return int(np.clip(BLOCK_GENES // max(1, len(disease.causal_genes)), 256, 65_536))


def _draw(
    disease: Disease,
    population: int,
    n: int,
    rng: np.random.Generator,
    index: People | None = None,
    relation: str = "",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``n`` candidates: haplotypes (causal_gene, candidate, 2), genetic liability and liability.

    With ``index``, ``n`` people, the candidates are their relatives.
    """
    n_genes, size = len(disease.causal_genes), disease.scores.shape[-1]
    haplotypes = rng.integers(0, size, (n_genes, n, 2), dtype=np.uint16)
    if index is not None:
        haplotypes = _inherit(index.causal_haplotypes.transpose(1, 0, 2), haplotypes, relation, rng)
    genetic = np.full(n, disease.mean[population])
    # Gene by gene, always in the same order: the sum is the same to the last bit on every machine.
    for scores, pair in zip(disease.scores[:, population], haplotypes, strict=True):
        genetic += scores[pair[:, 0]]
        genetic += scores[pair[:, 1]]
    return haplotypes, genetic, genetic + np.sqrt(1 - disease.heritability) * rng.standard_normal(n)


def _select(
    population: int, label: int, rows: np.ndarray, drawn: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> People:
    haplotypes, genetic, liability = drawn
    return People(
        population=np.full(len(rows), population),
        is_case=np.full(len(rows), bool(label)),
        genetic=genetic[rows],
        liability=liability[rows],
        index_person=np.full(len(rows), -1),
        causal_haplotypes=haplotypes[:, rows].transpose(1, 0, 2),
    )


def _screen(
    disease: Disease, population: int, wanted: np.ndarray, seed: int
) -> tuple[list[People], int, int]:
    """Unrelated controls and cases of one population, people screened, people ill."""
    size = _block_size(disease)
    found: list[list[People]] = [[], []]
    left = wanted.copy()
    n_screened = n_ill = block = 0
    while left.any() or not n_screened:  # one block at least, so that there are groups, though empty
        drawn = _draw(disease, population, size, stream(seed, Purpose.SCREENING, population, block))
        ill = drawn[2] > disease.threshold
        for label in (0, 1):
            rows = np.flatnonzero(ill == bool(label))[: left[label]]
            found[label].append(_select(population, label, rows, drawn))
            left[label] -= len(rows)
        block, n_screened, n_ill = block + 1, n_screened + size, n_ill + int(ill.sum())
        if n_screened > 2 * MAX_CANDIDATES:
            raise UserError(
                f"{n_screened:,} people of a population screened and {left.sum()} are still to be found: "
                "ask for fewer cases, a higher prevalence or a lower heritability"
            )
    return [_stack(groups) for groups in found], n_screened, n_ill


def _relatives(disease: Disease, index: People, relation: str, seed: int) -> People:
    """One relative with the same label for each index person of one population and label."""
    if relation == "duplicate" or not len(index):
        return index  # the same person genotyped twice: the same liability too
    population, label = int(index.population[0]), int(index.is_case[0])
    risk = disease.prevalence[population]
    size = _block_size(disease)
    tries = int(np.clip(np.ceil(1 / (risk if label else 1 - risk)), 1, size))
    pending = np.arange(len(index))
    order: list[np.ndarray] = []
    found: list[People] = []
    n_screened = block = 0
    while len(pending):
        rng = stream(seed, Purpose.RELATIVES, population, label, block)
        who = np.repeat(pending[: max(1, size // tries)], tries)
        drawn = _draw(disease, population, len(who), rng, index.take(who), relation)
        hits = np.flatnonzero((drawn[2] > disease.threshold) == bool(label))
        persons, first = np.unique(who[hits], return_index=True)
        found.append(_select(population, label, hits[first], drawn))
        order.append(persons)
        # Those not found go to the back of the queue.
        pending = np.concatenate(
            [np.setdiff1d(pending, np.union1d(who, persons)), np.setdiff1d(who, persons)]
        )
        block, n_screened = block + 1, n_screened + len(who)
        if n_screened > MAX_CANDIDATES:
            raise UserError(
                f"{n_screened:,} possible relatives screened and {len(pending)} are still to be found: "
                "ask for fewer related pairs"
            )
    return _stack(found).take(np.argsort(np.concatenate(order)))
