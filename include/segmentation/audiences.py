"""`python -m segmentation.audiences` as before 0.2; the code is in `segmentation.applications.audiences`."""

from segmentation.applications.audiences import main

if __name__ == "__main__":
    raise SystemExit(main())
