"""One-dimensional fills: water-filling, capped projection, queues."""
