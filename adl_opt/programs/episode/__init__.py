"""Programs of a whole episode: rounds tied together by links."""
