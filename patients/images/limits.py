"""What a picture may be, and what the process that decodes it may use. One place, so that docs and
tests quote the same numbers."""

MAX_BYTES = 20 * 1024 * 1024
MIN_SIDE = 64  # pixels
MAX_SIDE = 10_000  # pixels
MAX_PIXELS = 40_000_000
THUMBNAIL_SIDE = 192  # pixels, the longer side

# Structure caps. Each is far above what cameras and microscopes write and far below what hurts.
MAX_PNG_CHUNKS = 20_000
MAX_PNG_ANCILLARY_CHUNKS = 1_000
MAX_INFLATED_METADATA = 4 * 1024 * 1024  # bytes, all compressed text and ICC chunks together
MAX_JPEG_SEGMENTS = 5_000
MAX_JPEG_SCANS = 100  # a progressive picture has about ten; each costs a pass over all pixels
MAX_TIFF_ENTRIES = 512
MAX_TIFF_STRIPS = 20_000
MAX_ICC_BYTES = 4 * 1024 * 1024

# The child: address space, processor time, wall clock, and what it may hand back.
CHILD_ADDRESS_SPACE = 1024 * 1024 * 1024  # bytes
CHILD_CPU_SECONDS = 10
CHILD_WALL_SECONDS = 30
CHILD_OUTPUT_BYTES = 192 * 1024 * 1024  # 40 megapixels of noise are 120 MB of PNG
CHILD_OPEN_FILES = 32
