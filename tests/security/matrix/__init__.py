"""The matrix of security: operations × people × ownership × channels."""
