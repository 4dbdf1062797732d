"""The demo company: made-up customers who leave for causes that the field knows."""
