"""Files out of a browser's form, as a stream: nothing of an upload is written down unencrypted.

The form's fields come before its file (so our templates order them); what comes after the file is left.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request
from python_multipart.multipart import MultipartParser, parse_options_header

from base.errors import Malformed, TooLarge
from web.deps import expect_upload
from web.pages.forms import MAX_FIELDS, MAX_FORM_BYTES, Form

MEDIA_TYPE: Final = b"multipart/form-data"
_MAX_HEAD: Final = 8 * 1024


@dataclass(slots=True)
class _Part:
    """The part that is being read."""

    head: dict[str, bytes] = field(default_factory=dict)
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    name: str = ""
    file_name: str | None = None
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Upload:
    """A file on its way in, with the fields that came before it."""

    form: Form
    name: str
    media_type: str
    content: AsyncIterator[bytes]


class _Reader:
    """Feeds the parser from the request, and hands out fields first, then the file's bytes."""

    def __init__(self, request: Request, boundary: bytes) -> None:
        self._stream = request.stream().__aiter__()
        self._part = _Part()
        self._fields: dict[str, list[str]] = {}
        self._held = 0
        self._chunks: list[bytes] = []
        self._in_file = self._file_over = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    async def until_file(self) -> Upload:
        """Read up to the first file. Raises Malformed where none comes."""
        while not self._in_file and await self._feed():
            pass
        if not self._in_file:
            raise Malformed("the form brings no file", member="file")
        head = self._part.head
        return Upload(
            form=Form(self._fields),
            name=(self._part.file_name or "").replace("\\", "/").rpartition("/")[2],
            media_type=head.get("content-type", b"application/octet-stream").decode("latin-1"),
            content=self._content(),
        )

    async def _content(self) -> AsyncIterator[bytes]:
        while True:
            ready, self._chunks = self._chunks, []
            for chunk in ready:
                yield chunk
            if self._file_over or not await self._feed():
                break
        for chunk in self._chunks:
            yield chunk
        if not self._file_over:
            raise Malformed("the form ends in the middle of its file", member="file")

    async def _feed(self) -> bool:
        try:
            chunk = await anext(self._stream)
        except StopAsyncIteration:
            return False
        try:
            self._parser.write(chunk)
        except ValueError as error:  # the parser's own error is one
            raise Malformed("the form cannot be read") from error
        return True

    def _begin(self) -> None:
        if not self._in_file:
            self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start, _MAX_HEAD)
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start, _MAX_HEAD)
        self._part.header_value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        if not self._in_file:
            part.head[part.header_name.decode("latin-1").lower()] = bytes(part.header_value)
        part.header_name, part.header_value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        if self._in_file:
            return
        _, options = parse_options_header(self._part.head.get("content-disposition", b""))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._part.file_name = options[b"filename"].decode("utf-8", "replace")
            self._in_file = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file_over:
            return
        if self._in_file:
            self._chunks.append(data[start:end])
        else:
            self._count(end - start, MAX_FORM_BYTES)
            self._part.body += data[start:end]

    def _end(self) -> None:
        if self._in_file:
            self._file_over = True
        elif len(self._fields) < MAX_FIELDS:
            text = self._part.body.decode("utf-8", "replace").replace("\r\n", "\n")
            self._fields.setdefault(self._part.name, []).append(text)

    def _count(self, more: int, limit: int) -> None:
        if self._in_file:
            return
        self._held += more
        if self._held > limit + MAX_FORM_BYTES:
            raise TooLarge("the form is too large", limit_bytes=MAX_FORM_BYTES)


@asynccontextmanager
async def upload_of(request: Request) -> AsyncIterator[Upload]:
    """The file of a multipart form, while its bytes still come in. Raises Malformed, TooLarge."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary: Any = options.get(b"boundary")
    if kind != MEDIA_TYPE or not boundary:
        raise Malformed("a form with a file is expected", media_type=MEDIA_TYPE.decode())
    expect_upload(request)
    upload = await _Reader(request, boundary).until_file()
    try:
        yield upload
    finally:
        await asyncio.shield(_closed(upload.content))


async def _closed(content: AsyncIterator[bytes]) -> None:
    close = getattr(content, "aclose", None)
    if close is not None:
        await close()


async def small_file(upload: Upload, limit_bytes: int) -> bytes:
    """All of a file that is not large. Raises TooLarge."""
    body = bytearray()
    async for chunk in upload.content:
        body += chunk
        if len(body) > limit_bytes:
            raise TooLarge("the file is too large", limit_bytes=limit_bytes)
    return bytes(body)
