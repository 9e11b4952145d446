"""`python -m neurarium` is the command line."""

import sys

from neurarium.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
