"""Lanes: the readings of one vehicle become one passage, which the gate decides."""

from iot.lanes.desk import tick

__all__ = ["tick"]
