"""`python -m cocosearch`."""

import sys

from cocosearch.cli import main

sys.exit(main())
