"""Incidents, calls, requests and reports: their rows and the rules' types, loading, claiming, saving and lists."""
