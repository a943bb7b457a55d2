"""`python -m segmentation.audiences` as before 0.2: now `python -m segmentation audiences`."""

import sys

from segmentation.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["audiences", *sys.argv[1:]]))
