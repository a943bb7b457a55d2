"""`python -m segmentation.status` as before 0.2: now `python -m segmentation status`."""

import sys

from segmentation.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["status", *sys.argv[1:]]))
