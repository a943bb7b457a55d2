"""Row rules, features and labels of everybody on Apache Spark, from facts that are Parquet by day."""
