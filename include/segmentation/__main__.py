"""`python -m segmentation COMMAND`."""

from segmentation.cli import main

raise SystemExit(main())
