"""Who asks: keys, the subjects behind them, and what a request must show."""
