"""`python -m segmentation.decide` as before 0.2: now `python -m segmentation release|reject`."""

import sys

from segmentation.cli import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
