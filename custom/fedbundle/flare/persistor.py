"""Global weights on the server: the network comes from the server's approved copy of the bundle."""

from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.abstract.model import ModelLearnable, ModelLearnableKey, make_model_learnable
from nvflare.app_common.abstract.model_persistor import ModelPersistor

from fedbundle.bundle.declared import PHANTOM, size_configs
from fedbundle.files import new_file
from fedbundle.flare.gatekeeper import admit
from fedbundle.flare.names import checked_bundle, checked_count, checked_digest, checked_size

LAST, BEST = "FL_global_model.pt", "best_FL_global_model.pt"  # the names NVFlare's users look for


class BundlePersistor(ModelPersistor):
    """Builds first weights from `network_def` of the bundle and keeps state dicts in the job's folder.

    Args:
        bundle: name of a bundle in the server's site home.
        recipe_digest: the digest the job was made for.
        seed: seed of the first weights.
        size: `phantom` or `full`.
    """

    def __init__(self, bundle: str, recipe_digest: str, seed: int = 0, size: str = PHANTOM) -> None:
        super().__init__()
        self.bundle = checked_bundle(bundle)
        self.recipe_digest = checked_digest(recipe_digest)
        self.seed = checked_count("seed", seed, 0, 2**31 - 1)
        self.size = checked_size(size)

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """First global weights; float32 numpy arrays by name.

        Raises:
            SiteError: the server has not installed or approved exactly this bundle.
        """
        root = admit(fl_ctx, self.bundle, self.recipe_digest)
        return make_model_learnable(first_weights(root, self.seed, self.size), {})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Keep the weights of the last round."""
        self._write(model, fl_ctx, LAST)

    def save_best(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Keep the weights that were selected."""
        self._write(model, fl_ctx, BEST)

    @staticmethod
    def _write(model: ModelLearnable, fl_ctx: FLContext, name: str) -> None:
        weights = {key: torch.as_tensor(value) for key, value in model[ModelLearnableKey.WEIGHTS].items()}
        with new_file(Path(fl_ctx.get_prop(FLContextKey.APP_ROOT)) / name) as part:
            torch.save(weights, part)


def first_weights(root: Path, seed: int, size: str = PHANTOM) -> dict[str, np.ndarray]:
    """Weights with which a run begins: those of `network_def` of the bundle in `root`, drawn from `seed`."""
    parser = ConfigParser()
    parser.read_config([str(root / file) for file in size_configs(root, "train.json", size)])
    parser["bundle_root"] = str(root)
    torch.manual_seed(seed)
    network = parser.get_parsed_content("network_def")
    return {name: value.numpy() for name, value in network.state_dict().items()}
