"""State: tables, repositories (all SQL lives here), the unit of work, and the flow of jobs."""
