"""Who sent a request: keys, the subjects behind them, and the gate that every request passes."""
