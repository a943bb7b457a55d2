"""`python -m segmentation.backfill` as before 0.2: now `python -m segmentation backfill`."""

import sys

from segmentation.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["backfill", *sys.argv[1:]]))
