"""Times: versioned policies and the working days of calendars, from files and over HTTP."""
