"""`python -m segmentation.warm` as before 0.2; the code is in `segmentation.pipeline.warm`."""

from segmentation.pipeline.warm import main

if __name__ == "__main__":
    main()
