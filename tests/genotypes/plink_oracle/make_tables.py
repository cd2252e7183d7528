"""Simulates a small cohort and has PLINK describe it; run by hand, its output is committed beside it.

    python tests/genotypes/plink_oracle/make_tables.py

Leaves dosages.txt (one line a variant: chromosome, position, one digit a person, ``.`` missing), sex.txt, and
PLINK's own tables. Made with PLINK v2.00a3.5 and, for the sex check, PLINK v1.90b6.26.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
N_FOUNDERS, N_CHILDREN = 60, 20
CHROMOSOMES = {"1": 150, "2": 90, "X": 120}


def mosaics(rng: np.random.Generator, ancestors: np.ndarray, n: int) -> np.ndarray:
    """Haplotypes that copy ancestors and switch between them now and then, so that neighbours are linked."""
    n_variants = ancestors.shape[1]
    switch = rng.random((n, n_variants)) < 0.15
    switch[:, 0] = True
    source = rng.integers(0, len(ancestors), (n, n_variants))
    last = np.maximum.accumulate(np.where(switch, np.arange(n_variants), 0), axis=1)
    return ancestors[np.take_along_axis(source, last, axis=1), np.arange(n_variants)]


def simulate() -> tuple[np.ndarray, list[str], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    n_variants = sum(CHROMOSOMES.values())
    frequency = rng.beta(1, 2, n_variants)
    halves = []
    for _ in range(2):
        ancestors = rng.random((8, n_variants)) < np.clip(
            frequency + rng.normal(0, 0.1, n_variants), 0.02, 0.98
        )
        halves.append(mosaics(rng, ancestors.astype(np.int8), N_FOUNDERS))
    haplotypes = np.concatenate(halves).reshape(N_FOUNDERS, 2, n_variants)
    parents = rng.permutation(N_FOUNDERS)[: 2 * N_CHILDREN].reshape(N_CHILDREN, 2)
    pick = rng.integers(0, 2, (2, N_CHILDREN, n_variants // 30)).repeat(30, axis=2)
    children = np.stack(
        [
            np.where(pick[side] == 0, haplotypes[parents[:, side], 0], haplotypes[parents[:, side], 1])
            for side in (0, 1)
        ],
        axis=1,
    )
    haplotypes = np.concatenate([haplotypes, children])
    sex = np.tile([1, 2], len(haplotypes) // 2)
    chromosome = np.repeat(list(CHROMOSOMES), list(CHROMOSOMES.values()))
    dosage = haplotypes.sum(axis=1)
    is_x = chromosome == "X"
    dosage[np.ix_(sex == 1, is_x)] = 2 * haplotypes[sex == 1, 0][:, is_x]
    dosage[rng.random(dosage.shape) < 0.02] = -1
    dosage[:, 3], dosage[:, 4] = 0, 2  # constant, without missing genotypes
    position = np.concatenate(
        [5_000_000 + np.cumsum(rng.integers(500, 4000, n)) for n in CHROMOSOMES.values()]
    )
    return dosage, list(chromosome), position, sex


def main() -> None:
    dosage, chromosome, position, sex = simulate()
    lines = [
        f"{c} {p} {''.join('.' if d < 0 else str(d) for d in row)}"
        for c, p, row in zip(chromosome, position, dosage.T, strict=True)
    ]
    (HERE / "dosages.txt").write_text("\n".join(lines) + "\n")
    (HERE / "sex.txt").write_text("".join(map(str, sex)) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        vcf = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
        people = [f"p{i}" for i in range(len(sex))]
        vcf.append(
            "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *people])
        )
        for index, (c, p, row) in enumerate(zip(chromosome, position, dosage.T, strict=True)):
            calls = [{0: "0/0", 1: "0/1", 2: "1/1"}.get(int(d), "./.") for d in row]
            vcf.append("\t".join([c, str(p), f"v{index}", "A", "G", ".", ".", ".", "GT", *calls]))
        (work / "x.vcf").write_text("\n".join(vcf) + "\n")
        (work / "x.sex").write_text(
            "#IID SEX\n" + "".join(f"{i} {s}\n" for i, s in zip(people, sex, strict=True))
        )

        def plink(program: str, *options: str) -> None:
            subprocess.run([program, *options, "--silent"], cwd=work, check=True)

        plink(
            "plink2",
            "--vcf",
            "x.vcf",
            "--update-sex",
            "x.sex",
            "--split-par",
            "hg19",
            "--make-bed",
            "--out",
            "x",
        )
        plink("plink2", "--bfile", "x", "--freq", "--missing", "--hardy", "--het", "--out", "x")
        plink("plink2", "--bfile", "x", "--hardy", "midp", "--out", "midp")
        plink("plink2", "--bfile", "x", "--make-king", "square", "--out", "x")
        plink(
            "plink2", "--bfile", "x", "--indep-pairwise", "30", "7", "0.2", "--autosome", "--out", "variants"
        )
        plink("plink2", "--bfile", "x", "--indep-pairwise", "50kb", "0.4", "--autosome", "--out", "kb")
        plink(
            "plink2", "--bfile", "x", "--autosome", "--geno", "0", "--maf", "0.05", "--pca", "6", "--out", "x"
        )
        plink("plink1.9", "--bfile", "x", "--check-sex", "--allow-no-sex", "--out", "x")
        plink("plink1.9", "--bfile", "x", "--r2", "square", "--snps", "v150-v189", "--out", "x")
        wanted = [
            "x.afreq", "x.vmiss", "x.smiss", "x.hardy", "x.hardy.x", "midp.hardy", "x.het", "x.king", "x.eigenval",
            "variants.prune.in", "kb.prune.in", "x.sexcheck", "x.ld",
        ]  # fmt: skip
        for name in wanted:
            (HERE / name).write_text((work / name).read_text())


if __name__ == "__main__":
    main()
