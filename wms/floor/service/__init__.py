"""Use cases of the floor; each takes a session, asks the rules and posts to the ledger."""
