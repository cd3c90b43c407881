"""What the pages show: values, tables and figures named from `kvlab`, and the way they reach a page."""
