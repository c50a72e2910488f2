"""The theorems of learners, each measured on the played rounds."""
