"""Other ways in: HTTP push and pull of cameras, the framed TCP of customs front ends, a weighbridge's serial server.

They feed the same inbox under the same rule: the bytes are committed, then answered (2xx, a result frame, or simply
read on). While the database is away nothing is answered as stored: HTTP says 503, a frame gets no answer.

- ``web_server``: HTTP/1.1 with limits on everything; ``push``: who sends, what is stored, what the maker wants to hear.
- ``pull``: event streams that we ask a camera for; ``parts``: their multipart, cut into messages.
- ``frames``: GATHER_INFO and its synchronous result; ``gathering``: from a question to the gate's decision.
- ``scale_line``: a weighbridge behind a serial server, line by line.
- ``identity``: device token in a header, Basic, Digest or the path; a configured source address. ``setup`` writes them.
- ``porter``: all of them on one event loop, with a committer of their own: the process ``dongting doors``.
"""
