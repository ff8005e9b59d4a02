"""The demonstration: synthetic data of Yueyang, and simulators that speak real protocols.

``seed.py`` fills the data in. ``yard`` (devices over MQTT) and ``counter.py`` (customs) are processes of their own that
import no room.
"""
