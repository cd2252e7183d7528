"""The folder of an adapter, rebuilt for publication: it has its featurizer and card, and names what it adapts."""

import shutil
from pathlib import Path

from gds.errors import UserError, require_extra
from gds.files import write_json
from gds.hub import schema
from gds.models import GdsConfig
from gds.models.adapter import read_adapter_config
from gds.repository import ADAPTER_CONFIG, ADAPTER_WEIGHTS, parse_hub_name


def copy_adapter(folder: Path, out: Path, config: GdsConfig, base_model: str | None) -> tuple[int, str]:
    """Copy configuration and weights of an adapter after comparing them with the network that they are for.

    Returns
    -------
    tuple
        Number of values, and the name on the hub of what is adapted.

    Raises
    ------
    UserError
        A tensor too many or of another shape, or nobody else could find what is adapted.
    """
    import torch

    peft = require_extra("peft", "peft")
    content = read_adapter_config(folder)
    base = base_model or content["base_model_name_or_path"]
    if Path(base).exists() or parse_hub_name(base) is None:
        raise UserError(
            f"{folder} adapts {base}, which nobody else has: push that first, and name it with --base-model ORG/NAME"
        )
    with torch.device("meta"):
        network = schema.ARCHITECTURES[schema.architecture_of(config, folder)](config)
        adapted = peft.PeftModel(network, peft.PeftConfig.from_pretrained(str(folder)))
    expected = {
        name: (str(value.dtype).removeprefix("torch."), tuple(value.shape))
        for name, value in peft.get_peft_model_state_dict(adapted).items()
    }
    n_values = schema.compare_tensors(folder / ADAPTER_WEIGHTS, expected)
    shutil.copyfile(folder / ADAPTER_WEIGHTS, out / ADAPTER_WEIGHTS)
    # The auto mapping names a module to import, which nobody needs: the class is that of config.json.
    write_json(out / ADAPTER_CONFIG, content | {"base_model_name_or_path": base, "auto_mapping": None})
    return n_values, base
