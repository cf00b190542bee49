"""How people sign in on a page: with a key, for a session of their browser."""
