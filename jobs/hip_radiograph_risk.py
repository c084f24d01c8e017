"""Train hip_radiograph_risk (AP radiograph and risk factors to risk of a hip fracture) at all connected hospitals.

python jobs/hip_radiograph_risk.py --kit KIT                       submit, watch, fetch the result
python jobs/hip_radiograph_risk.py --env sim --sites DIR           NVFlare's simulator
python jobs/hip_radiograph_risk.py --export --export-dir DIR       job folder for `nvflare job submit`
"""

import sys
from pathlib import Path

from fedbundle.flare.job import options, run
from fedbundle.flare.recipe import BundleRecipe

BUNDLE = Path(__file__).parents[1] / "bundles" / "hip_radiograph_risk"


def main() -> int:
    """Build the recipe and do as the command line says."""
    chosen = options(rounds=15, local_epochs=3)
    return run(BundleRecipe(BUNDLE, **chosen.settings()), chosen)


if __name__ == "__main__":
    sys.exit(main())
