"""Train brain_mri_anomaly (healthy skull-stripped MR to a map of anomalies) at all connected hospitals.

python jobs/brain_mri_anomaly.py --kit KIT                       submit, watch, fetch the result
python jobs/brain_mri_anomaly.py --env sim --sites DIR           NVFlare's simulator
python jobs/brain_mri_anomaly.py --export --export-dir DIR       job folder for `nvflare job submit`
"""

import sys
from pathlib import Path

from fedbundle.flare.job import options, run
from fedbundle.flare.recipe import BundleRecipe

BUNDLE = Path(__file__).parents[1] / "bundles" / "brain_mri_anomaly"


def main() -> int:
    """Build the recipe and do as the command line says."""
    chosen = options(rounds=15, local_epochs=4)
    return run(BundleRecipe(BUNDLE, **chosen.settings()), chosen)


if __name__ == "__main__":
    sys.exit(main())
