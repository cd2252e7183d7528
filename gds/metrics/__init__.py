"""Metrics that ``evaluate.load`` takes: thin wrappers round the functions of :mod:`gds.evaluation`.

    import evaluate
    from gds.metrics import metric_path
    evaluate.load(metric_path("adversarial_accuracy")).compute(predictions=synthetic, references=real)

Loading needs no network; ``pip install "genotype-diffusion[metrics]"`` brings ``evaluate``.
"""

from pathlib import Path

from gds.errors import UserError, did_you_mean

_FOLDER = Path(__file__).resolve().parent
METRICS = tuple(sorted(path.name for path in _FOLDER.iterdir() if (path / f"{path.name}.py").is_file()))


def metric_path(name: str) -> str:
    """Folder of a metric, as ``evaluate.load`` takes it.

    Parameters
    ----------
    name
        One of :data:`METRICS`.

    Raises
    ------
    UserError
        There is none of that name.
    """
    if name not in METRICS:
        raise UserError(f"no metric {name!r}; {did_you_mean(name, METRICS)}")
    return str(_FOLDER / name)
