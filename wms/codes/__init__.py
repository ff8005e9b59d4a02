"""Identifiers and code lists of the trade: pure functions, no database, no clock."""
