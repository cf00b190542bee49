"""The parts of the OpenAPI document that the framework cannot derive. `service.web.openapi` joins them."""
