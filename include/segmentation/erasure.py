"""`python -m segmentation.erasure` as before 0.2: now `python -m segmentation erase`."""

import sys

from segmentation.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["erase", *sys.argv[1:]]))
