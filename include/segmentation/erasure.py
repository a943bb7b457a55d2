"""`python -m segmentation.erasure` as before 0.2; the code is in `segmentation.operations.erasure`."""

from segmentation.operations.erasure import main

if __name__ == "__main__":
    raise SystemExit(main())
