"""The five classes, in the one order that every model, table and file of TeleHeme uses."""

CLASSES = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
