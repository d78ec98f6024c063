"""The platform's client: REST, the stream, and a whole session over both.

It imports no code of the server's, so that it notices a mistake in that code.
"""
