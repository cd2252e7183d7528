"""``pipeline("genotype-classification", model=...)("cohort.pgen")``: a label and a score for each person."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from transformers.pipelines import PIPELINE_REGISTRY, Pipeline

from gds.errors import UserError
from gds.models.classification import GdsForClassification
from gds.repository import refuse_upload

if TYPE_CHECKING:
    import numpy as np

TASK = "genotype-classification"


class GenotypeClassificationPipeline(Pipeline):
    """Classifies the people of genotype files with a model and the featurizer saved beside it.

    The files are aligned to the variants and alleles of the featurizer as ``gds predict`` does. Research software:
    no result is a diagnosis.
    """

    _load_tokenizer = False
    _load_image_processor = False
    _load_feature_extractor = True
    _load_processor = False

    def __init__(self, model: GdsForClassification, **options: Any) -> None:
        super().__init__(model, **options)
        found = (model.config.architectures or ["model"])[0]
        if found != "GdsForClassification":
            raise UserError(
                f"{model.source_folder} holds a {found}, which does not classify: fine-tune it first (gds finetune)"
            )

    def __call__(
        self, genotypes: str | os.PathLike | Sequence[str | os.PathLike], **parameters: Any
    ) -> list[dict[str, Any]]:
        """Classify everyone in one cohort.

        Parameters
        ----------
        genotypes
            One .bed, .pgen, .vcf.gz or .bcf file, or the files of one cohort, e.g. one per chromosome.
        **parameters
            ``top_k``: how many classes to return of each person, most probable first (default 1; None: all);
            ``genome_build``, ``match_by``, ``palindromic``, ``min_overlap``: how variants are found, see
            :class:`gds.studies.new_cohort.AlignmentOptions`.

        Returns
        -------
        list of dict
            ``id``, ``label`` and ``score``, the probability of that class; one or more a person, people in the
            order of the files. ``self.alignment`` then says what was found of the model's variants.

        Raises
        ------
        UserError
            Files that cannot be read, or too few of the model's variants in them.
        """
        files = [genotypes] if isinstance(genotypes, (str, os.PathLike)) else list(genotypes)
        preparing, _, finishing = self._sanitize_parameters(**parameters)
        cohort = self.preprocess(files, **(self._preprocess_params | preparing))
        self.alignment = vars(cohort.aligned.report)
        results: list[dict[str, Any]] = []
        start = 0
        for features in cohort.features():
            probabilities = self.forward({"features": features})
            ids = cohort.ids[start : start + len(features)]
            results += self.postprocess(
                {"ids": ids, "probabilities": probabilities}, **(self._postprocess_params | finishing)
            )
            start += len(features)
        return results

    def _sanitize_parameters(self, **parameters: Any) -> tuple[dict, dict, dict]:
        preparing = {
            name: parameters.pop(name)
            for name in ("genome_build", "match_by", "palindromic", "min_overlap")
            if name in parameters
        }
        finishing = {"top_k": parameters.pop("top_k")} if "top_k" in parameters else {}
        if parameters:
            raise UserError(f"{TASK} has no parameter {', '.join(map(repr, parameters))}")
        return preparing, {}, finishing

    def preprocess(self, files: list, **options: Any) -> Any:
        """The people as the model sees them, a :class:`gds.studies.new_cohort.NewCohort`."""
        from gds.studies.new_cohort import AlignmentOptions, align_cohort, recorded

        folder = self.model.source_folder
        build = None if folder is None else recorded(folder, "genome_build")
        return align_cohort(self.feature_extractor, files, build, AlignmentOptions(**options))

    def forward(self, model_inputs: dict[str, Any], **parameters: Any) -> "np.ndarray":
        """Class probabilities (sample, class) of features (sample, block, channel)."""
        return self._forward(model_inputs)

    def _forward(self, model_inputs: dict[str, Any], **parameters: Any) -> "np.ndarray":
        from gds.classifiers.networks.fine_tuning import class_probabilities

        return class_probabilities(self.model, model_inputs["features"], self._batch_size or 256)

    def postprocess(self, model_outputs: dict[str, Any], top_k: int | None = 1) -> list[dict[str, Any]]:
        """The ``top_k`` most probable classes of each person."""
        names = self.model.config.id2label
        results = []
        for person, row in zip(model_outputs["ids"], model_outputs["probabilities"], strict=True):
            for index in (-row).argsort(kind="stable")[:top_k]:
                results.append({"id": str(person), "label": names[int(index)], "score": float(row[index])})
        return results

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs: Any) -> None:
        """Write the model and the featurizer; no code goes with them."""
        if kwargs:
            raise UserError(f"a pipeline is saved without options, found {', '.join(kwargs)}")
        self.model.save_pretrained(Path(save_directory))
        self.feature_extractor.save_pretrained(save_directory)

    def push_to_hub(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: the model is pushed, with its featurizer."""
        refuse_upload()


PIPELINE_REGISTRY.register_pipeline(
    TASK, pipeline_class=GenotypeClassificationPipeline, pt_model=GdsForClassification, type="multimodal"
)
