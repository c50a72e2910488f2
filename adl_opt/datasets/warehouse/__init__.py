"""A whole book from the raw exports of a venue's warehouse, mapped by a file of TOML."""
