"""Speech: feature extractors and the packing of features into the students."""
