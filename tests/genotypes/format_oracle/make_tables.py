"""Make the tables that the tests of genotype files compare with: what plink2 and bcftools say.

    python tests/genotypes/format_oracle/make_tables.py

Needs plink2 and bcftools; the totals of real data need GDS_SHARED_DATA and are left as they are without it.
"""

import os
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# path in the shared data -> how plink2 opens it
REAL = {
    "kg_fixture/kg22_200x829.bed": ["--bfile", "kg_fixture/kg22_200x829"],
    "kg_fixture/kg22_200x829.pgen": ["--pfile", "kg_fixture/kg22_200x829"],
    "kg_fixture/kg22_200x829.vcf.gz": ["--vcf", "kg_fixture/kg22_200x829.vcf.gz"],
    "kg_fixture/kg22_200x829.bcf": ["--bcf", "kg_fixture/kg22_200x829.bcf"],
    "kg_phase1/kg_phase1.bed": ["--bfile", "kg_phase1/kg_phase1"],
    "kg_per_chromosome/1KG_phase3_subset_chr21.vcf.gz": [
        "--vcf", "kg_per_chromosome/1KG_phase3_subset_chr21.vcf.gz",
    ],
    "kg_per_chromosome/1KG_phase3_subset_chrX.vcf.gz": [
        "--vcf", "kg_per_chromosome/1KG_phase3_subset_chrX.vcf.gz", "--vcf-half-call", "haploid",
    ],
    "vcf_records/indel_multiallelic.vcf.gz": ["--vcf", "vcf_records/indel_multiallelic.vcf.gz"],
}  # fmt: skip
# The rules of the reader in plink2's words.
RULES = ["--max-alleles", "2"]


def plink2(*arguments: str | Path, cwd: Path = HERE) -> None:
    subprocess.run(["plink2", *map(str, arguments)], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def totals(name: str, arguments: list[str], shared: Path, folder: Path) -> str:
    """Variants, copies of the alternative allele and missing calls, from plink2's genotype counts."""
    # Without autosomes only, people of unknown sex on X are counted as diploid, as they are stored.
    out = folder / "x"
    plink2(*arguments, *RULES, "--make-pgen", "--out", out, cwd=shared)
    plink2(
        "--pfile", out, "--geno-counts", "cols=chrom,pos,ref,alt,homref,refalt,homalt1,missing", "--out", out
    )
    rows = [line.split() for line in (folder / "x.gcount").read_text().splitlines()[1:]]
    rows = [row for row in rows if row[4][0] not in "<*"]
    het, hom, missing = (sum(int(row[i]) for row in rows) for i in (6, 7, 8))
    return f"{name}\t{len(rows)}\t{het + 2 * hom}\t{missing}\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exported = folder / "records"
        plink2("--vcf", "records.vcf", "--vcf-half-call", "missing", "--max-alleles", "2", "--export", "A-transpose",
               "--out", exported)  # fmt: skip
        (HERE / "records.traw").write_text(exported.with_suffix(".traw").read_text())
        asked = "%CHROM\t%POS\t%ID\t%REF\t%ALT[\t%GT]\n"
        listed = subprocess.run(
            ["bcftools", "query", "-f", asked, "records.vcf"],
            cwd=HERE, check=True, capture_output=True, text=True,
        )  # fmt: skip
        (HERE / "records.query").write_text(listed.stdout)
        shared = Path(os.environ.get("GDS_SHARED_DATA", HERE.parents[3] / "shared" / "data"))
        if shared.is_dir():
            lines = ["file\tvariants\talternative_alleles\tmissing_calls\n"]
            lines += [totals(name, arguments, shared, folder) for name, arguments in REAL.items()]
            (HERE / "real_totals.tsv").write_text("".join(lines))


if __name__ == "__main__":
    main()
