"""LOINC codes and displays of a differential that a person has verified; pinned by a test.

Without a method, as a picture read by a person is neither a manual count at the microscope nor a
counter's. Public mapping tables contradict each other. Labels without a verified code go by text.
"""

from review.choices import Label

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
PANEL = ("24318-8", "Manual Differential panel - Blood")
TOTAL_WBC = ("6690-2", "Leukocytes [#/volume] in Blood by Automated count")
PERCENT = {
    Label.NEUTROPHIL: ("26511-6", "Neutrophils/Leukocytes in Blood"),
    Label.LYMPHOCYTE: ("26478-8", "Lymphocytes/Leukocytes in Blood"),
    Label.MONOCYTE: ("26485-3", "Monocytes/Leukocytes in Blood"),
    Label.EOSINOPHIL: ("26450-7", "Eosinophils/Leukocytes in Blood"),
    Label.BASOPHIL: ("30180-4", "Basophils/Leukocytes in Blood"),
}
ABSOLUTE = {
    Label.NEUTROPHIL: ("26499-4", "Neutrophils [#/volume] in Blood"),
    Label.LYMPHOCYTE: ("26474-7", "Lymphocytes [#/volume] in Blood"),
    Label.MONOCYTE: ("26484-6", "Monocytes [#/volume] in Blood"),
    Label.EOSINOPHIL: ("26449-9", "Eosinophils [#/volume] in Blood"),
    Label.BASOPHIL: ("26444-0", "Basophils [#/volume] in Blood"),
}
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
INTERPRETATIONS = {"H": "High", "L": "Low", "HH": "Critical high", "LL": "Critical low"}
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
REPLACES = "http://hl7.org/fhir/StructureDefinition/diagnosticReport-replaces"
PRIORITY = {"stat": "stat", "routine": "routine", "background": "routine"}
