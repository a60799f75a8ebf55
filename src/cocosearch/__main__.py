"""`python -m cocosearch`."""

import sys

from cocosearch.cli.main import main

sys.exit(main())
