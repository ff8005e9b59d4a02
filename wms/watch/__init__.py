"""Fence sections, cameras and their alarms; the short notes from which live pages are fed."""
