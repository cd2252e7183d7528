"""What a model's record says of differential privacy: written by a private run, checked wherever it is repeated."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gds.errors import UserError
from gds.files import RUN_RECORD, read_json, sha256
from gds.repository import WEIGHTS

KEY = "privacy"
OPERATING_SYSTEM, FIXED_SEED = "operating system", "fixed seed"


@dataclass(frozen=True)
class PrivacyRecord:
    """A guarantee and what it does not cover.

    Attributes
    ----------
    epsilon, delta
        For adding or removing one unit.
    unit
        What is protected as one: ``person``, ``family`` or the name of a column.
    units
        How many there were.
    accountant, noise_multiplier, sample_rate, steps, clip_norm
        DP-SGD.
    noise
        Where its noise came from: the operating system, or a fixed seed, with which there is no guarantee.
    outside
        What about the people is not covered, in words.
    weights
        SHA-256 of the weights that this speaks of.
    """

    epsilon: float
    delta: float
    unit: str
    units: int
    accountant: str
    noise_multiplier: float
    sample_rate: float
    steps: int
    clip_norm: float
    noise: str
    outside: list[str]
    weights: str

    @property
    def holds(self) -> bool:
        """Whether nobody can know the noise."""
        return self.noise == OPERATING_SYSTEM

    @classmethod
    def of(cls, content: Any) -> "PrivacyRecord":
        """Read the ``privacy`` entry of a record.

        Raises
        ------
        UserError
            It says something else than a private run would have written.
        """
        try:
            record = cls(**content)
            numbers = (record.epsilon, record.noise_multiplier, record.clip_norm)
            good = all(isinstance(each, float) and each > 0 for each in numbers)
            good &= 0 < record.delta < 1 and 0 < record.sample_rate <= 1
            good &= isinstance(record.units, int) and isinstance(record.steps, int)
            good &= record.noise in (OPERATING_SYSTEM, FIXED_SEED) and isinstance(record.outside, list)
            good &= all(isinstance(each, str) for each in (*record.outside, record.unit, record.weights))
        except TypeError:
            good = False
        if not good:
            raise UserError(
                f"{RUN_RECORD} speaks of differential privacy in words that gds pretrain does not use: a guarantee is "
                "repeated only as it was recorded"
            )
        return record

    def content(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """In one line, for the header of what the model generates and for pages."""
        if not self.holds:
            return "no guarantee of privacy: the noise of training came from a fixed seed"
        return (
            f"weights trained with differential privacy: epsilon {self.epsilon:.4g}, delta {self.delta:g} for one "
            f"{self.unit}; not covered: {'; '.join(self.outside)}"
        )


def read_privacy_record(folder: str | Path) -> PrivacyRecord | None:
    """The guarantee of a model's folder; None where its record speaks of none.

    Raises
    ------
    UserError
        The record is not as a private run leaves it, or it speaks of other weights than those in the folder.
    """
    folder = Path(folder)
    content = read_json(folder / RUN_RECORD).get(KEY) if (folder / RUN_RECORD).is_file() else None
    if content is None:
        return None
    record = PrivacyRecord.of(content)
    if not (folder / WEIGHTS).is_file() or sha256(folder / WEIGHTS) != record.weights:
        raise UserError(
            f"{folder / RUN_RECORD} claims differential privacy for other weights than {WEIGHTS} beside it: restore "
            f"the folder as gds pretrain left it, or remove the entry {KEY!r}"
        )
    return record
