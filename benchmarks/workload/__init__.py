"""What the benchmarks of features share: a company of many events, and a meter."""
