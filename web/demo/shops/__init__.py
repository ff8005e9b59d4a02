"""Simulated shops: they sell what lies in the bonded warehouse and tell customs and the warehouse of it.

A process of its own that imports no room and speaks CEB messages. What a shop, its payment firm and its carrier would
send goes to the counter and as a copy to the warehouse, through the folders of the exchange; the declarant's side is
played over the JSON API. All buyers are invented: their identity numbers are of persons born in 1880.
"""

from web.demo.shops.run import run

__all__ = ["run"]
