"""The store: the only room that speaks SQL, with one folder for each subject. `database` holds the one commit."""
