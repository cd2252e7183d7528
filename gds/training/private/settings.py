"""What can be asked of a private run: the ``privacy`` section of a configuration."""

from dataclasses import dataclass, fields
from typing import Any, Self

from gds.errors import UserError, did_you_mean


@dataclass(frozen=True)
class PrivacySettings:
    """The guarantee and how it is reached.

    Attributes
    ----------
    epsilon, delta
        Of the guarantee, for adding or removing one unit.
    unit
        Column of ``people.tsv`` whose values are protected as one: ``id`` (a person), ``family``, or a column of the
        phenotype table that names the person of haplotypes or replicates. Empty values stand alone.
    batch_people
        People expected in a step.
    clip_norm
        Largest norm of a person's gradient.
    draws
        Noise levels, or masks, of each row in a step: a person's gradient is the mean over them, which costs time and
        no privacy.
    accountant
        ``prv`` or ``rdp``.
    noise_seed
        None, and the noise comes from the operating system and is not kept. A number makes runs repeatable and, for
        whoever knows it, takes the guarantee away: for tests and benchmarks.
    """

    epsilon: float
    delta: float
    unit: str = "id"
    batch_people: int = 256
    clip_norm: float = 1.0
    draws: int = 4
    accountant: str = "prv"
    noise_seed: int | None = None

    @classmethod
    def of(cls, section: dict[str, Any]) -> Self:
        """Read a section.

        Raises
        ------
        UserError
            A key is unknown or missing, or a value is out of range.
        """
        check_privacy_keys(section)
        for name, flag in (("epsilon", "--dp-epsilon"), ("delta", "--dp-delta")):
            if section.get(name) is None:
                raise UserError(f"a private run needs {flag} (privacy.{name})")
        settings = cls(**section)
        for name in ("epsilon", "clip_norm"):
            _check(section, name, lambda value: _is_number(value) and value > 0, "a number above 0")
        _check(section, "delta", lambda value: _is_number(value) and 0 < value < 1, "between 0 and 1")
        for name in ("batch_people", "draws"):
            _check(section, name, lambda value: _is_whole(value) and value >= 1, "a whole number above 0")
        _check(
            section, "noise_seed", lambda value: value is None or _is_whole(value), "a whole number or null"
        )
        _check(section, "accountant", lambda value: value in ("prv", "rdp"), "prv or rdp")
        _check(section, "unit", lambda value: isinstance(value, str), "a column of people.tsv")
        return settings


def check_privacy_keys(section: dict[str, Any]) -> None:
    """Raise UserError for a key that nothing would read."""
    known = [item.name for item in fields(PrivacySettings)]
    for key in section:
        if key not in known:
            raise UserError(f"config key privacy.{key} does not exist; {did_you_mean(key, known)}")


def _check(section: dict[str, Any], name: str, is_good: Any, expected: str) -> None:
    if name in section and not is_good(section[name]):
        raise UserError(f"privacy.{name}: expected {expected}, found {section[name]!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
