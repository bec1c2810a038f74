"""Reports that compare accuracy and throughput against what people use today."""
