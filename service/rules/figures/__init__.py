"""The figures of a month: how calls are counted, counted again from the log, and scored."""
