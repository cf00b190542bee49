"""The store: the only room that speaks SQL, with one folder a subject. `database` holds the one commit."""
