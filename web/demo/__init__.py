"""The demonstration: synthetic data of Yueyang, and simulators that speak real protocols.

``seed.py`` fills the data in. ``yard`` (devices over MQTT), ``counter`` (customs) and ``shops`` are processes of their
own that import no room.
"""
