"""Consignments, the transport they are booked on, and what was planned, expected and seen of it."""
