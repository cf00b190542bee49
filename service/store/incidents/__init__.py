"""Incidents, their calls, requests and reports: rows to the rules' types and back, loading, claiming, saving, lists."""
