"""What can go wrong between a model directory, a picture and a result."""


class ModelError(ValueError):
    """A model directory that must not be used; the message is one plain sentence."""


class UnreadableImageError(ValueError):
    """Bytes that are not a picture this code can decode; the message is one plain sentence."""
