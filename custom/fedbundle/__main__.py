"""`python -m fedbundle` is `fedbundle`."""

import sys

from fedbundle.cli import main

sys.exit(main())
