"""Version folders: what trained modules become, and the repository that the server reads."""
