"""The part of a run's record that may leave: how a model was made, and nothing about the people it was made from."""

import re
from collections.abc import Iterable
from typing import Any

from gds.errors import UserError
from gds.studies.pretraining.privacy_record import KEY, PrivacyRecord

# What of run.json is published. Left out: the command, the platform, the names and hashes of input files.
PUBLISHED = (
    "seed", "started", "python", "versions", "git", "objective", "config", "genome_build", "label_column",
    "label_threshold", "parameters", "training_people", "validation_people", "steps", "processes", "final", "method",
    "details", "labelled_few", "probabilities", "privacy",
)  # fmt: skip
# Classes with fewer people are not counted exactly, as is usual where figures about health are published.
SMALLEST_COUNT = 10

_LONGEST_LIST = 64
_LONGEST_TEXT = 500


def public_record(record: dict[str, Any]) -> dict[str, Any]:
    """The entries of a record that are published, each cleaned.

    Counts of labelled people below 10 become "fewer than 10", paths become the names of their files, and lists too
    long for a setting are left out.
    """
    shown = {name: _clean(record[name]) for name in PUBLISHED if record.get(name) is not None}
    if isinstance(shown.get("started"), str):
        shown["started"] = shown["started"][:10]
    if isinstance(shown.get("labelled_few"), dict):
        shown["labelled_few"] = {
            name: count if count >= SMALLEST_COUNT else f"fewer than {SMALLEST_COUNT}"
            for name, count in shown["labelled_few"].items()
        }
    privacy = (shown.get("config") or {}).get(KEY)
    if isinstance(privacy, dict):
        # With the seed of its noise a guarantee would be taken back.
        shown["config"][KEY] = {name: value for name, value in privacy.items() if name != "noise_seed"}
    if KEY in shown:
        shown[KEY] = PrivacyRecord.of(record[KEY]).content()
    return shown


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}..."
        # A path tells of a machine, a project or its people.
        return re.split(r"[/\\]", text.rstrip("/\\"))[-1] if re.search(r"[/\\]", text) else text
    if isinstance(value, dict):
        return {str(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST_LIST:
            return f"({len(value)} values, not published)"
        return [_clean(item) for item in value]
    raise UserError(f"run.json holds a {type(value).__name__}, which is not published")


def refuse_ids(ids: Iterable[str], contents: dict[str, Any]) -> None:
    """Refuse what names a person.

    Parameters
    ----------
    ids
        Sample ids of the people whom the model saw.
    contents
        Name of each file to what it says: text, or a JSON value, of which every string and key is looked at.

    Raises
    ------
    UserError
        An id is there; the message does not repeat it.
    """
    # One or two characters, or a short number, would be found everywhere.
    telling = {name for name in ids if len(name) > 2 and not (name.isdigit() and len(name) < 6)}
    every = set(ids)
    for file, content in contents.items():
        found = telling & set(re.findall(r"[^\s\"'`|,;:()\[\]{}*]+", content)) if isinstance(content, str) else (
            every & set(_strings(content))
        )  # fmt: skip
        if found:
            raise UserError(
                f"{file} names {len(found)} of the people whom the model saw (people.tsv), and would leave: remove "
                "them from it"
            )


def _strings(value: Any) -> Iterable[str]:
    """Every text in a JSON value, keys included; the words of longer ones too."""
    if isinstance(value, str):
        yield value
        yield from value.split()
    elif isinstance(value, dict):
        for name, item in value.items():
            # Keys that count, such as those of id2label, are positions.
            if not str(name).isdigit():
                yield str(name)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
