"""Drawing: the style that all figures share, and the way from a figure to the bytes of an SVG."""
