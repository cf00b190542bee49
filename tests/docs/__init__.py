"""Each page of docs/ is complete, and says nothing that the code does not have."""
