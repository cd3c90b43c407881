"""How the site is built: what is kept between builds, what is checked, and how it is replaced whole."""
