"""Where episodes come from: by name, from a stored folder, from CSV, and from public files of a venue."""
