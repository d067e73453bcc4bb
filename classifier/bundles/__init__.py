"""What a model directory from outside must be before anything of it is believed. No Django here."""
