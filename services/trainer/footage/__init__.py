"""Data preparation: from filmed people to training samples, with everything that was left out and why."""
