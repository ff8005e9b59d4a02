"""Rounds on the desk: the firm's trucks, what must be gathered and brought, the job, acceptance and cancellation."""
