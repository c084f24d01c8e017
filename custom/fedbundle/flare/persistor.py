"""Global weights on the server: the network comes from the server's approved copy of the bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.app_common.abstract.model import ModelLearnable, ModelLearnableKey, make_model_learnable
from nvflare.app_common.abstract.model_persistor import ModelPersistor

from fedbundle.bundle.declared import PHANTOM
from fedbundle.files import new_file
from fedbundle.flare.first_weights import first_weights
from fedbundle.flare.gatekeeper import admit
from fedbundle.flare.names import (
    checked_batch_statistics,
    checked_bundle,
    checked_count,
    checked_digest,
    checked_prefixes,
    checked_size,
)
from fedbundle.flare.shared import LOCAL, Sharing

LAST, BEST = "FL_global_model.pt", "best_FL_global_model.pt"  # the names NVFlare's users look for


class BundlePersistor(ModelPersistor):
    """Builds first weights from `network_def` of the bundle and keeps state dicts in the job's folder.

    Args:
        bundle: name of a bundle in the server's site home.
        recipe_digest: the digest the job was made for.
        seed: seed of the first weights.
        size: `phantom` or `full`.
        keep_local: prefixes of weights that stay at the hospitals, besides those that the bundle declares.
        batch_statistics: whether running statistics of batch norms travel, `local` or `shared`.
    """

    def __init__(
        self,
        bundle: str,
        recipe_digest: str,
        seed: int = 0,
        size: str = PHANTOM,
        keep_local: Sequence[str] = (),
        batch_statistics: str = LOCAL,
    ) -> None:
        super().__init__()
        self.bundle = checked_bundle(bundle)
        self.recipe_digest = checked_digest(recipe_digest)
        self.seed = checked_count("seed", seed, 0, 2**31 - 1)
        self.size = checked_size(size)
        self.keep_local = checked_prefixes(keep_local)
        self.batch_statistics = checked_batch_statistics(batch_statistics)
        self._stay: dict[str, np.ndarray] = {}

    def load_model(self, fl_ctx: FLContext) -> ModelLearnable:
        """First global weights, those that travel; float32 numpy arrays by name.

        Raises:
            SiteError: the server has not installed or approved exactly this bundle.
            BundleError: what is to stay at the hospitals names no weight, or is all there is.
        """
        root = admit(fl_ctx, self.bundle, self.recipe_digest)
        sharing = Sharing.of(root, self.keep_local, self.batch_statistics)
        travel, self._stay = sharing.split(first_weights(root, self.seed, self.size))
        return make_model_learnable(travel, {})

    def save_model(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Keep the weights of the last round."""
        self._write(model, fl_ctx, LAST)

    def save_best(self, model: ModelLearnable, fl_ctx: FLContext) -> None:
        """Keep the weights that were selected."""
        self._write(model, fl_ctx, BEST)

    def _write(self, model: ModelLearnable, fl_ctx: FLContext, name: str) -> None:
        """The whole network: what stays at the hospitals is in it as it was first drawn."""
        whole = self._stay | dict(model[ModelLearnableKey.WEIGHTS])
        weights = {key: torch.as_tensor(value) for key, value in whole.items()}
        with new_file(Path(fl_ctx.get_prop(FLContextKey.APP_ROOT)) / name) as part:
            torch.save(weights, part)
