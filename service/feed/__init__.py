"""The feed: the tail that numbers the log and rings its readers, and `GET /v1/events`."""
