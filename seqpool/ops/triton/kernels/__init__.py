"""Device code: what a program of the grid does."""
