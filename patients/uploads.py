"""Refusing a body that is too large while it arrives, instead of after it filled the disk."""

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

LARGEST_UPLOAD = 20 * 1024 * 1024  # bytes, the limit of patients.images


class LimitedUploadHandler(FileUploadHandler):
    """Stops reading a file past the limit and marks the request; the view then says why."""

    limit = LARGEST_UPLOAD

    def __init__(self, request=None):
        super().__init__(request)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > self.limit:
            if self.request is not None:
                self.request.upload_too_large = True  # type: ignore[attr-defined]
            raise StopUpload(connection_reset=False)
        return raw_data

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def file_complete(self, file_size: int) -> None:
        return None
