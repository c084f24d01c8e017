"""Which attributes a de-identified image keeps; everything that is not named here is removed (fail closed).

Kept: pixel description, geometry, acquisition physics, and manufacturer and model of the scanner. Not kept, although
useful: descriptions and protocol names (people write names into them), sex, age and weight, every date and time.
The same list holds at the top and inside every sequence. Sources: PS3.3 C.7.6, C.8.3, C.8.13; PS3.15 Table E.1-1.
"""

from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

# Objects of other classes (secondary capture, reports, ultrasound, encapsulated documents) carry people's names in
# places that no list of attributes reaches, so they are refused.
IMAGE_CLASSES = frozenset(
    {
        ComputedRadiographyImageStorage,
        CTImageStorage,
        DigitalXRayImageStorageForPresentation,
        EnhancedCTImageStorage,
        EnhancedMRImageStorage,
        EnhancedPETImageStorage,
        MRImageStorage,
        PositronEmissionTomographyImageStorage,
    }
)

IDENTITY = """
SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID Modality SeriesNumber
AcquisitionNumber InstanceNumber ImageType BurnedInAnnotation
"""
REFERENCES = """
ReferencedImageSequence SourceImageSequence ReferencedSOPClassUID ReferencedSOPInstanceUID ReferencedFrameNumber
"""
PIXELS = """
SamplesPerPixel PhotometricInterpretation Rows Columns NumberOfFrames PixelSpacing PixelAspectRatio BitsAllocated
BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit RescaleIntercept RescaleSlope
WindowCenter WindowWidth VOILUTFunction LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
PresentationLUTShape PixelIntensityRelationship PixelIntensityRelationshipSign SmallestImagePixelValue
LargestImagePixelValue PixelData
"""
GEOMETRY = """
ImagePositionPatient ImageOrientationPatient SliceLocation SliceThickness SpacingBetweenSlices PatientPosition
PatientOrientation BodyPartExamined Laterality ImageLaterality ViewPosition ImagerPixelSpacing GantryDetectorTilt
EstimatedRadiographicMagnificationFactor DistanceSourceToDetector DistanceSourceToPatient
"""
MR_PHYSICS = """
ScanningSequence SequenceVariant ScanOptions MRAcquisitionType AngioFlag RepetitionTime EchoTime InversionTime
NumberOfAverages ImagingFrequency ImagedNucleus EchoNumbers MagneticFieldStrength NumberOfPhaseEncodingSteps
EchoTrainLength PercentSampling PercentPhaseFieldOfView PixelBandwidth ReconstructionDiameter AcquisitionMatrix
InPlanePhaseEncodingDirection FlipAngle VariableFlipAngleFlag SAR dBdt TemporalPositionIdentifier
NumberOfTemporalPositions TemporalResolution TriggerTime DiffusionBValue DiffusionGradientOrientation
DiffusionDirectionality
"""
OTHER_PHYSICS = """
KVP XRayTubeCurrent Exposure ExposureTime FilterType ConvolutionKernel Units DecayCorrection DecayFactor
CorrectedImage RandomsCorrectionMethod DoseCalibrationFactor ScatterFractionFactor FrameReferenceTime
ActualFrameDuration SeriesType NumberOfSlices ImageIndex
"""
ENHANCED = """
SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PlanePositionSequence PlaneOrientationSequence
PixelMeasuresSequence PixelValueTransformationSequence RescaleType FrameVOILUTSequence FrameContentSequence
FrameAcquisitionNumber StackID InStackPositionNumber TemporalPositionIndex DimensionIndexValues FrameAnatomySequence
FrameLaterality MRImageFrameTypeSequence FrameType PixelPresentation VolumetricProperties
VolumeBasedCalculationTechnique ComplexImageComponent AcquisitionContrast MRDiffusionSequence
DiffusionGradientDirectionSequence MREchoSequence EffectiveEchoTime MRTimingAndRelatedParametersSequence
RFEchoTrainLength GradientEchoTrainLength DimensionOrganizationSequence DimensionOrganizationUID
DimensionIndexSequence DimensionIndexPointer FunctionalGroupPointer DimensionOrganizationType
"""
EQUIPMENT = "Manufacturer ManufacturerModelName"

KEPT = frozenset(
    " ".join((IDENTITY, REFERENCES, PIXELS, GEOMETRY, MR_PHYSICS, OTHER_PHYSICS, ENHANCED, EQUIPMENT)).split()
)

# Type 2 at the top level of an image: must be there, may be empty.
EMPTIED = (
    "AccessionNumber",
    "PatientBirthDate",
    "PatientSex",
    "PositionReferenceIndicator",
    "ReferringPhysicianName",
    "StudyDate",
    "StudyID",
    "StudyTime",
)

# Type 1 in some image class, at any depth: replaced where it is present.
DUMMY_DATE = "19000101"
DUMMIES = {
    "AcquisitionDateTime": f"{DUMMY_DATE}000000",
    "ContentDate": DUMMY_DATE,
    "ContentTime": "000000",
    "FrameAcquisitionDateTime": f"{DUMMY_DATE}000000",
    "FrameReferenceDateTime": f"{DUMMY_DATE}000000",
}
