"""Episodes: embedded (`oct10`), generated (`synthetic`), and read from files."""
