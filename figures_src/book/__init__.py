"""What the pages declare, and how it becomes text: values, claims, measurements, the glossary."""
