"""The client of the platform: REST, the stream, and a whole session over both.

It imports nothing of ours and no Django. If it shared code with the server, it would not notice a
mistake in that code.
"""
