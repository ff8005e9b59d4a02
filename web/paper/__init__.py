"""Paper: labels as ZPL and PDF from one layout, and lists to carry. Chinese is drawn from a font of our own."""
