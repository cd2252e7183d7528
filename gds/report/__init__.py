"""Figures in one style, and the self-contained HTML page that holds them."""
