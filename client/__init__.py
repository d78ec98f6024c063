"""The client of the platform: REST, the stream, and a whole session over both.

It imports nothing of ours and no Django: it would not notice a mistake of the server's that it
shared.
"""
