"""The nouns: rounds, outcomes, episodes, and the tables inside them."""
