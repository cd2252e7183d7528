"""One name for each genome build, whatever it is called."""

_NAMES = {
    "hg18": ("hg18", "ncbi36", "b36"),
    "hg19": ("hg19", "grch37", "b37", "37"),
    "hg38": ("hg38", "grch38", "b38", "38"),
}
_BUILDS = {alias: name for name, aliases in _NAMES.items() for alias in aliases}


def build_name(text: str | None) -> str | None:
    """``hg19`` for GRCh37, b37 and so on; what is not known is returned as it is.

    Parameters
    ----------
    text
        E.g. ``"GRCh37"`` or ``"GRCh38.p14"``; None for not known.
    """
    if text is None:
        return None
    return _BUILDS.get(str(text).strip().lower().split(".p")[0], str(text))
