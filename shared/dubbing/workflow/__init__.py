"""What follows from what: the steps of a job, their advance in the database, and where a training run starts."""
