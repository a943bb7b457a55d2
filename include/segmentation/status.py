"""`python -m segmentation.status` as before 0.2; the code is in `segmentation.operations.status`."""

from segmentation.operations.status import main

if __name__ == "__main__":
    raise SystemExit(main())
