"""State: tables, repositories (all SQL lives here) and the unit of work."""
