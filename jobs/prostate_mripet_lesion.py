"""Train prostate_mripet_lesion (MRI, with or without PET, to prostate cancer) at all connected hospitals.

python jobs/prostate_mripet_lesion.py --kit KIT                       submit, watch, fetch the result
python jobs/prostate_mripet_lesion.py --env sim --sites DIR           NVFlare's simulator
python jobs/prostate_mripet_lesion.py --export --export-dir DIR       job folder for `nvflare job submit`
"""

import sys
from pathlib import Path

from fedbundle.flare.job import options, run
from fedbundle.flare.recipe import BundleRecipe

BUNDLE = Path(__file__).parents[1] / "bundles" / "prostate_mripet_lesion"


def main() -> int:
    """Build the recipe and do as the command line says."""
    chosen = options(rounds=12, local_epochs=1)
    return run(BundleRecipe(BUNDLE, **chosen.settings()), chosen)


if __name__ == "__main__":
    sys.exit(main())
