"""`python -m segmentation.backfill` as before 0.2; the code is in `segmentation.operations.backfill.run`."""

from segmentation.operations.backfill.run import main

if __name__ == "__main__":
    raise SystemExit(main())
