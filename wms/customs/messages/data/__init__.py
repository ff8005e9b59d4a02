"""Descriptions and code tables of customs' messages, each with its edition and date."""
