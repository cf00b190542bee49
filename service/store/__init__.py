"""The only room that speaks SQL. One file per aggregate; `database` holds the one commit."""
