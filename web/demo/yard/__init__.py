"""The simulated yard: cameras, weighbridges, container readers, loops, barriers, fence and thermometers over MQTT.

A process of its own that imports no room: it knows only paho, the standard library and ``yard.json``, and speaks only
the formats of real devices through a socket. Everything it shows is simulated, and it says so.
"""

from web.demo.yard.run import run, run_yard

__all__ = ["run", "run_yard"]
