"""Makes transformers know the classes of gds, once transformers is imported.

After ``import gds``, ``AutoModel.from_pretrained(folder)`` and ``pipeline("genotype-classification")`` work. That
takes classes which need torch and transformers, whose import takes seconds, and ``import gds`` must stay cheap. So
a finder stands before the others in ``sys.meta_path`` and waits for two modules: when one of them has been
imported by whomever, the classes that belong to it are registered and the finder waits for it no longer.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType


def _register_classes() -> None:
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification

    # From their modules: the package gds.models may be what imports transformers just now.
    from gds.features.featurizer import Featurizer
    from gds.models.classification import GdsForClassification
    from gds.models.configuration import GdsConfig
    from gds.models.modeling import GdsModel

    AutoConfig.register("gds", GdsConfig, exist_ok=True)
    AutoModel.register(GdsConfig, GdsModel, exist_ok=True)
    AutoModelForSequenceClassification.register(GdsConfig, GdsForClassification, exist_ok=True)
    # One class for all kinds: of two the first could not be found by its name any more.
    AutoFeatureExtractor.register(GdsConfig, Featurizer, exist_ok=True)


def _register_pipeline() -> None:
    # It registers itself, also when it is what imports transformers.pipelines just now.
    importlib.import_module("gds.hub.pipeline")


# Both are complete, with nothing of theirs half imported, when their own code has run.
_WAITING: dict[str, Callable[[], None]] = {
    "transformers": _register_classes,
    "transformers.pipelines": _register_pipeline,
}


class _Loader(importlib.abc.Loader):
    """Another loader, and what follows it."""

    def __init__(self, loader: importlib.abc.Loader, then: Callable[[], None]) -> None:
        self.loader, self.then = loader, then

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # transformers puts another module object in its place, with the spec that names its loader.
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.then()


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _WAITING:
            return None
        then = _WAITING.pop(fullname)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, then)
        return spec


def register_when_imported() -> None:
    """Register now what has been imported already, and the rest when it is."""
    sys.meta_path.insert(0, _Finder())
    for name in [name for name in _WAITING if name in sys.modules]:
        _WAITING.pop(name)()
