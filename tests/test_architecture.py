"""Who may import whom: the house's rules, enforced on the source itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOUNDATION = {"errors", "files", "provenance", "repository"}

# package -> packages of gds that it may import (beside itself and the foundation)
ALLOWED = {
    "genotypes": set(),
    "features": {"genotypes"},
    "models": set(),
    "training": {"models"},
    "generation": {"models", "features", "genotypes"},
    "classifiers": {"features", "genotypes", "models", "training"},
    "evaluation": set(),
    "metrics": {"evaluation", "genotypes"},
    "report": {"evaluation"},
    "studies": {
        "genotypes", "features", "models", "training", "generation", "classifiers", "evaluation", "report",
    },
}  # fmt: skip
WITHOUT_TORCH = ("genotypes", "features")
HEAVY = {
    "torch",
    "transformers",
    "accelerate",
    "diffusers",
    "datasets",
    "evaluate",
    "umap",
    "msprime",
    "stdpopsim",
}


def imported_modules(path: Path, module_level_only: bool = False) -> set[str]:
    """Absolute names of the modules that a source file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if module_level_only else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_the_house_allows(package):
    allowed = ALLOWED[package] | {package} | FOUNDATION
    for path in (REPOSITORY / "gds" / package).rglob("*.py"):
        for name in imported_modules(path):
            parts = name.split(".")
            if parts[0] == "gds" and len(parts) > 1 and parts[1] != "__version__":
                assert parts[1] in allowed, f"{path.relative_to(REPOSITORY)} imports {name}"


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_genotypes_and_features_do_not_load_torch(package):
    for path in (REPOSITORY / "gds" / package).rglob("*.py"):
        heavy = {name.split(".")[0] for name in imported_modules(path, module_level_only=True)} & HEAVY
        assert not heavy, f"{path.relative_to(REPOSITORY)} imports {heavy} at module level"


def test_import_gds_is_cheap():
    code = "import sys, gds; print(sorted({'torch', 'transformers', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_featurizers_does_not_import_torch():
    code = "import sys, gds.features, gds.genotypes; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("folder", ["pretrain", "finetune", "benchmarks"])
def test_scripts_import_only_the_library(folder):
    scripts = {path.stem for path in (REPOSITORY / folder).glob("*.py")}
    for path in (REPOSITORY / folder).glob("*.py"):
        siblings = {name.split(".")[0] for name in imported_modules(path)} & (scripts | {folder})
        assert not siblings, f"{path.relative_to(REPOSITORY)} imports its sibling {siblings}"


def test_every_public_name_can_be_imported():
    import gds

    for name in gds.__all__:
        assert getattr(gds, name) is not None


def test_no_individuals_genotypes_and_no_pickles_are_tracked():
    done = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    forbidden = (".bed", ".pgen", ".bcf", ".hapt", ".pkl", ".pickle", ".pt", ".bin", ".joblib")
    assert not [name for name in done.stdout.splitlines() if name.endswith(forbidden)]
