"""How people sign in on a page, with a key or at the issuer, for a session of their browser."""
