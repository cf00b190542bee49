"""How an incident, a call and an event look to a viewer: the typed shapes of every answer about them.

Each function takes the viewer first, so that whatever is to be hidden from somebody is hidden in this room alone.
"""
