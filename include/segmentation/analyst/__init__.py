"""What an analyst imports: the published tables as frames, and the search on a frame of one's own."""
