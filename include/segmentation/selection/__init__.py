"""From the matrix of features to the chosen model."""
