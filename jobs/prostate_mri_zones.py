"""Train prostate_mri_zones (T2W MRI to transition and peripheral zone) at all connected hospitals.

python jobs/prostate_mri_zones.py --kit KIT                       submit, watch, fetch the result
python jobs/prostate_mri_zones.py --env sim --sites DIR           NVFlare's simulator
python jobs/prostate_mri_zones.py --export --export-dir DIR       job folder for `nvflare job submit`
"""

import sys
from pathlib import Path

from fedbundle.flare.job import options, run
from fedbundle.flare.recipe import BundleRecipe

BUNDLE = Path(__file__).parents[1] / "bundles" / "prostate_mri_zones"


def main() -> int:
    """Build the recipe and do as the command line says."""
    chosen = options(rounds=10, local_epochs=6)
    return run(BundleRecipe(BUNDLE, **chosen.settings()), chosen)


if __name__ == "__main__":
    sys.exit(main())
