"""The simulated customs counter: checks CEB and bonded messages, answers late, twice, out of order or never.

A process of its own with files of its own that imports no room: it knows only the messages, which travel through a
folder exchange or over HTTP. It is no authority. Every answer says so in words and carries :data:`forms.MARK`.
"""

from web.demo.counter.run import run

__all__ = ["run"]
