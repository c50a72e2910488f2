"""Programs as arrays: the builder that terms write to, the linear model, its scaling."""
