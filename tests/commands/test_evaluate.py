"""gds evaluate on written files: copies are flagged, swapped alleles do not matter, shared people are refused."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from gds.cli import main
from gds.features import GenePCA
from gds.genotypes import Genotypes, assign_blocks, write_genotypes
from tests.studies.test_synthetic_evaluation import three_populations
from tests.untrained_models import save_untrained


@pytest.fixture
def files(tmp_path):
    train, test, synthetic = three_populations()
    paths = {}
    for name, people in (("train", train), ("test", test), ("synthetic", synthetic), ("copies", train)):
        paths[name] = str(tmp_path / f"{name}.pgen")
        write_genotypes(people, paths[name])
    return paths


def evaluate(files, synthetic, out):
    return main(
        ["evaluate", "--real", files["train"], "--holdout", files["test"], "--synthetic", files[synthetic],
         "--out", str(out), "--no-umap"]
    )  # fmt: skip


def test_the_command_writes_figures_and_a_page(files, tmp_path, capsys):
    assert evaluate(files, "copies", tmp_path / "out") == 0
    figures = {row["name"]: row for row in json.loads((tmp_path / "out/metrics.json").read_text())["figures"]}
    assert figures["exact_copies"]["value"] == 1
    assert figures["exact_copies"]["verdict"] == "bad"
    assert figures["ld_r"]["verdict"] == "good"
    assert "real half" in capsys.readouterr().out
    html = (tmp_path / "out/report.html").read_text()
    assert "Rule for" in html
    assert "http" not in html


def test_people_in_both_files_are_refused(files, tmp_path, capsys):
    assert evaluate({**files, "test": files["train"]}, "synthetic", tmp_path / "out") == 2
    assert "both in --real and in --holdout" in capsys.readouterr().err


def test_swapped_alleles_do_not_matter(files, tmp_path):
    _, _, synthetic = three_populations()
    variants = synthetic.variants.rename(
        columns={"effect_allele": "other_allele", "other_allele": "effect_allele"}
    )
    swapped = Genotypes(np.where(synthetic.dosage < 0, -1, 2 - synthetic.dosage).astype(np.int8),
                        synthetic.samples, variants)  # fmt: skip
    files["swapped"] = str(tmp_path / "swapped.pgen")
    write_genotypes(swapped, files["swapped"])
    found = []
    for name in ("synthetic", "swapped"):
        assert evaluate(files, name, tmp_path / name) == 0
        found.append(json.loads((tmp_path / name / "metrics.json").read_text())["figures"])
    assert found[0] == found[1]


def test_utility_needs_labels_of_both(files, tmp_path, capsys):
    common = [
        "evaluate",
        "--real",
        files["train"],
        "--holdout",
        files["test"],
        "--synthetic",
        files["synthetic"],
    ]
    common += ["--no-umap", "--out", str(tmp_path / "out")]
    real, synthetic = tmp_path / "real.tsv", tmp_path / "synthetic.tsv"
    people = three_populations()
    for path, listed in ((real, people[:2]), (synthetic, people[2:])):
        # A class that the genotypes tell: dosage of the first variant above 0.
        rows = [
            f"{i}\t{int(d > 0)}" for g in listed for i, d in zip(g.samples["id"], g.dosage[:, 0], strict=True)
        ]
        path.write_text("\n".join(["id\tclass", *rows]) + "\n")
    assert main([*common, "--labels", str(real)]) == 2
    assert "--synthetic-labels" in capsys.readouterr().err
    given = ["--labels", str(real), "--synthetic-labels", str(synthetic), "--label-column", "class"]
    assert main([*common, *given, "--classifiers", "logistic"]) == 0
    tables = json.loads((tmp_path / "out/metrics.json").read_text())["tables"]
    recovery = next(rows for caption, rows in tables.items() if caption.startswith("Utility"))
    assert recovery[0]["recovery"] > 0.7


def test_the_model_itself_is_attacked(files, tmp_path, capsys):
    # Components of a third set: those fitted to members would tell them from others without any model.
    train, _, further = three_populations()
    pca = GenePCA(n_components=3).fit(further, assign_blocks(further.variants, "window:16"))
    model = save_untrained(pca, tmp_path / "model", seen=tuple(train.samples["id"]))
    common = ["evaluate", "--real", files["train"], "--synthetic", files["synthetic"], "--no-umap"]
    common += ["--model", str(model), "--shadow-models", "0", "--out", str(tmp_path / "out")]
    assert main([*common, "--holdout", files["test"]]) == 0
    content = json.loads((tmp_path / "out/metrics.json").read_text())
    row = next(row for row in content["figures"] if row["name"] == "loss_attack_auc")
    assert row["verdict"] == "good"  # nothing has been learned
    assert "60 of the 60 people of --real are among those the model was trained on" in content["reading"]
    # Whom the model has seen is not held out, whatever the files are called.
    assert main([*common[:1], "--real", files["test"], *common[3:], "--holdout", files["train"]]) == 2
    assert "60 people of --holdout were trained on" in capsys.readouterr().err


@pytest.mark.parametrize("width", [390, 1100])
def test_the_page_opens_without_network_and_fits_a_phone(files, tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: the page is not rendered")
    assert evaluate(files, "synthetic", tmp_path / "out") == 0
    page = tmp_path / "out/report.html"
    # The page has no script; this one, added for the test, tells how wide its content is.
    probe = "<script>document.title = 'wide ' + document.documentElement.scrollWidth</script></body>"
    # Headless windows are at least 500 pixels wide, so the phone is a frame.
    (tmp_path / "out/probe.html").write_text(page.read_text().replace("</body>", probe))
    frame = tmp_path / "out/frame.html"
    frame.write_text(
        f"<iframe src='probe.html' width='{width}' height='900' onload=\"document.title ="
        ' this.contentDocument.title"></iframe>'
    )
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
            "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom", str(frame),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    found = re.search(r"wide (\d+)", done.stdout)
    assert found is not None
    assert int(found[1]) <= width


def test_hapt_files_are_compared_as_haplotypes(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for name in ("train", "test", "synthetic"):
        alleles = (rng.random((80, 25)) < 0.5).astype(int)
        lines = [
            f"Set {name}{row // 2}_{'AB'[row % 2]} {' '.join(map(str, values))}"
            for row, values in enumerate(alleles)
        ]
        paths.append(tmp_path / f"{name}.hapt")
        paths[-1].write_text("\n".join(lines) + "\n")
    real, holdout, synthetic = map(str, paths)
    out = tmp_path / "out"
    arguments = ["--real", real, "--holdout", holdout, "--synthetic", synthetic, "--out", str(out)]
    assert main(["evaluate", *arguments, "--no-umap"]) == 0
    found = json.loads((out / "metrics.json").read_text())
    assert found["unit"] == "haplotypes"
    assert found["n"] == {"train": 80, "test": 80, "synthetic": 80}
    assert "inbreeding" not in {row["name"] for row in found["figures"]}
