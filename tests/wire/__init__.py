"""The wire, held against the document that describes it: every answer of the suite, a fuzzer, a generated client."""
