"""BGZF, the blocked gzip of .vcf.gz: gzip members of at most 64 kB that bcftools and tabix can index.

Source: SAM/BAM format specification, section 4.1 "The BGZF compression format".
"""

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

# Uncompressed bytes a block; incompressible data must still fit into 2**16 bytes with header and trailer.
_BLOCK = 65_280
# gzip header with one extra field, BC, of two bytes: the size of the block minus one.
_HEADER = struct.Struct("<4BI2BH2BHH")
_TRAILER = struct.Struct("<II")
_END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


class BgzfWriter:
    """Writes bytes as BGZF; use it in a ``with`` statement.

    Parameters
    ----------
    path
        The file to write.
    level
        Compression level of zlib.
    """

    def __init__(self, path: Path, level: int = 6) -> None:
        self._file = path.open("wb")
        self._level = level
        self._waiting = bytearray()

    def write(self, content: bytes) -> None:
        """Append some bytes."""
        self._waiting += content
        whole = len(self._waiting) // _BLOCK * _BLOCK
        for begin in range(0, whole, _BLOCK):
            self._write_block(bytes(self._waiting[begin : begin + _BLOCK]))
        del self._waiting[:whole]

    def _write_block(self, content: bytes) -> None:
        compressor = zlib.compressobj(self._level, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = compressor.compress(content) + compressor.flush()
        size = _HEADER.size + len(packed) + _TRAILER.size
        self._file.write(_HEADER.pack(0x1F, 0x8B, 8, 4, 0, 0, 0xFF, 6, ord("B"), ord("C"), 2, size - 1))
        self._file.write(packed)
        self._file.write(_TRAILER.pack(zlib.crc32(content), len(content)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                if self._waiting:
                    self._write_block(bytes(self._waiting))
                # Without this empty block readers take the file for a truncated one.
                self._file.write(_END_OF_FILE)
        finally:
            self._file.close()
