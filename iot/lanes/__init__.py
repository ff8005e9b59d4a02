"""Lanes: the readings of one vehicle become one passage, which the gate decides."""

from iot.lanes.desk import Looked, tick

__all__ = ["Looked", "tick"]
