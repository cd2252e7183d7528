"""Simulates a small case/control cohort and has PLINK associate, clump and score it; run by hand.

    python tests/genotypes/gwas_oracle/make_tables.py

People are inbred (every genotype is homozygous or missing): the haplotype frequencies from which PLINK 1.9 takes the r2
of clumping are then those that dosages show, so that results can be equal, not merely alike. Leaves dosages.txt
(one line a variant: id, position, one digit a person, ``.`` missing), phenotype.txt (1 control, 2 case) and PLINK's own
tables. Made with PLINK v1.90b6.26 and v2.00a3.5.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
N_PEOPLE, N_VARIANTS = 90, 80
CLUMPINGS = ((5, 0.2), (20, 0.1), (250, 0.05))


def simulate() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dosages (sample, variant), positions, and who is a case."""
    rng = np.random.default_rng(3)
    dosage = 2 * (rng.random((N_PEOPLE, N_VARIANTS)) < rng.beta(2, 2, N_VARIANTS)).astype(int)
    for variant in range(1, N_VARIANTS):
        copies = rng.random(N_PEOPLE) < rng.choice([0.0, 0.6, 0.9])
        dosage[copies, variant] = dosage[copies, variant - 1]
    risk = 0.3 + 0.15 * dosage[:, 10] + 0.1 * dosage[:, 50]
    case = rng.random(N_PEOPLE) < risk
    dosage[rng.random(dosage.shape) < 0.02] = -1
    return dosage, 10_000 + np.cumsum(rng.integers(500, 3000, N_VARIANTS)), case


def main() -> None:
    dosage, position, case = simulate()
    ids = [f"v{i}" for i in range(N_VARIANTS)]
    lines = [
        f"{name} {p} {''.join('.' if d < 0 else str(d) for d in row)}"
        for name, p, row in zip(ids, position, dosage.T, strict=True)
    ]
    (HERE / "dosages.txt").write_text("\n".join(lines) + "\n")
    (HERE / "phenotype.txt").write_text("".join("12"[c] for c in case.astype(int)) + "\n")
    weights = np.random.default_rng(4).normal(size=N_VARIANTS).round(4)
    table = "".join(f"{name}\tG\t{weight}\n" for name, weight in zip(ids, weights, strict=True))
    (HERE / "weights.txt").write_text(table)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        people = [f"p{i}" for i in range(N_PEOPLE)]
        header = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *people]
        vcf = [
            "##fileformat=VCFv4.2",
            '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
            "\t".join(header),
        ]
        for name, p, row in zip(ids, position, dosage.T, strict=True):
            calls = [{0: "0/0", 2: "1/1"}.get(int(d), "./.") for d in row]
            vcf.append("\t".join(["7", str(p), name, "A", "G", ".", ".", ".", "GT", *calls]))
        (work / "x.vcf").write_text("\n".join(vcf) + "\n")
        cases = [f"{person} {1 + int(c)}" for person, c in zip(people, case, strict=True)]
        (work / "x.pheno").write_text("#IID ALS\n" + "\n".join(cases) + "\n")
        (work / "x.pheno1").write_text("FID IID ALS\n" + "".join(f"0 {each}\n" for each in cases))

        def plink(program: str, *options: str) -> None:
            subprocess.run([program, *options, "--silent"], cwd=work, check=True)

        plink("plink2", "--vcf", "x.vcf", "--make-bed", "--out", "x")
        plink(
            "plink2", "--bfile", "x", "--pheno", "x.pheno", "--glm", "allow-no-covars", "cols=+a1freq,+totallelecc",
            "--out", "x",
        )  # fmt: skip
        phenotype = ("--bfile", "x", "--pheno", "x.pheno1", "--allow-no-sex")
        plink("plink1.9", *phenotype, "--assoc", "--ci", "0.95", "--out", "x")
        for kilobases, r2 in CLUMPINGS:
            plink(
                "plink1.9", *phenotype, "--clump", "x.assoc", "--clump-p1", "1", "--clump-p2", "1",
                "--clump-r2", str(r2), "--clump-kb", str(kilobases), "--out", f"kb{kilobases}",
            )  # fmt: skip
            (HERE / f"kb{kilobases}.clumped").write_text((work / f"kb{kilobases}.clumped").read_text())
        (work / "weights.txt").write_text(table)
        plink("plink2", "--bfile", "x", "--score", "weights.txt", "cols=+scoresums", "--out", "x")
        (HERE / "x.assoc").write_text((work / "x.assoc").read_text())
        (HERE / "x.sscore").write_text((work / "x.sscore").read_text())
        (HERE / "x.glm").write_text((work / "x.ALS.glm.logistic.hybrid").read_text())


if __name__ == "__main__":
    main()
