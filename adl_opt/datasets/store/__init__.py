"""Episodes as folders of Parquet files."""
