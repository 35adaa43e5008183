"""The command line: the API's first client, and the local stack."""
