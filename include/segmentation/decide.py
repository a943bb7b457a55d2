"""`python -m segmentation.decide` as before 0.2; the code is in `segmentation.operations.decide`."""

from segmentation.operations.decide import main

if __name__ == "__main__":
    raise SystemExit(main())
