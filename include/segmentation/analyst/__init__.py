"""Library of an analyst: the published tables as frames, and the search on a frame of one's own."""
