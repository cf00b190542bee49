"""How an incident, a call and an event look to a viewer."""
