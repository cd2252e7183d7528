"""The two kinds of error that a user can mend, told apart from bugs."""

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class UserError(ValueError):
    """Something in the user's files or options is wrong.

    The message says what was found (file, sample, variant), what was expected and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class MissingExtraError(UserError, ImportError):
    """An optional dependency is not installed; the message names the extra to install."""


def require_extra(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra installs it.

    Parameters
    ----------
    module
        Name of the module, e.g. ``"cyvcf2"``.
    extra
        Name of the extra of this distribution that installs it, e.g. ``"vcf"``.

    Raises
    ------
    MissingExtraError
        The module cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"this needs the package {module!r}, which could not be imported ({error}): "
            f"pip install 'genotype-diffusion[{extra}]'"
        ) from error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that ends an error message about an unknown name."""
    known = sorted(str(item) for item in known)
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(repr(item) for item in close)}?"
    shown = ", ".join(known[:20]) + (f", ... ({len(known)} in all)" if len(known) > 20 else "")
    return f"known: {shown}" if known else "there are none"
