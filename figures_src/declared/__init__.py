"""What page modules declare: values, claims, tables and plots, each named."""
