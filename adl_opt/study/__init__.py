"""Studies: questions put to the library as a whole."""
