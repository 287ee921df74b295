"""Have a LiteRT network answer with its features, too: what its last dense layer gets.

LiteRT computes them anyway, and gives only what the file names as an output. The file is a
FlatBuffer: tables, whose fields are found by offsets from where each offset stands. So a longer
list of outputs can be put at the end of the file, and the offset of the old list be changed to it.
See ``schema.fbs`` of LiteRT for the numbers of the fields.
"""

import struct

_OPERATOR_CODES, _SUBGRAPHS = 1, 2  # fields of a model
_OUTPUTS, _OPERATORS = 2, 3  # of a subgraph
_CODE, _INPUTS = 0, 1  # of an operator
_OLD_BUILTIN, _BUILTIN = 0, 3  # of an operator's code: codes up to 127 may stand in the old place
_FULLY_CONNECTED = 9


def with_features(content: bytes) -> bytes:
    """Return the network with a second output, the input of its last dense layer.

    Args:
        content: A valid ``.tflite`` file, without digitlab's checksum.

    Raises:
        ValueError: The network has no dense layer.
    """
    file = _File(content)
    model = file.number("I", 0)  # the offset of the root table
    (graph, *_) = file.tables(model, _SUBGRAPHS)
    codes = [
        file.field("b", code, _OLD_BUILTIN) or file.field("i", code, _BUILTIN)
        for code in file.tables(model, _OPERATOR_CODES)
    ]
    dense = [
        operator
        for operator in file.tables(graph, _OPERATORS)
        if codes[file.field("I", operator, _CODE)] == _FULLY_CONNECTED
    ]
    if not dense:
        raise ValueError("expected a network with a dense layer, this one has none")
    features = file.number("i", file.elements(dense[-1], _INPUTS)[0])
    outputs = [file.number("i", place) for place in file.elements(graph, _OUTPUTS)]
    longer = bytearray(content) + bytes(-len(content) % 4)  # numbers stand at multiples of 4
    offset = file.place(graph, _OUTPUTS)
    struct.pack_into("<I", longer, offset, len(longer) - offset)
    outputs.append(features)
    return bytes(longer) + struct.pack(f"<I{len(outputs)}i", len(outputs), *outputs)


class _File:
    """The numbers and tables of a FlatBuffer, by their places in bytes."""

    def __init__(self, content: bytes):
        self._content = content

    def number(self, kind: str, place: int) -> int:
        """Read a number; `kind` as for `struct`."""
        return struct.unpack_from(f"<{kind}", self._content, place)[0]

    def place(self, table: int, field: int) -> int:
        """Find a field of a table; 0 if it has its default."""
        layout = table - self.number("i", table)
        entry = 4 + 2 * field
        offset = self.number("H", layout + entry) if entry < self.number("H", layout) else 0
        return table + offset if offset else 0

    def field(self, kind: str, table: int, field: int) -> int:
        """Read a field of a table; 0 if it has its default."""
        place = self.place(table, field)
        return self.number(kind, place) if place else 0

    def elements(self, table: int, field: int) -> list[int]:
        """Find the elements of a list, of four bytes each."""
        place = self.place(table, field)
        if not place:
            return []
        first = place + self.number("I", place)
        return [first + 4 + 4 * index for index in range(self.number("I", first))]

    def tables(self, table: int, field: int) -> list[int]:
        """Find the tables of a list."""
        return [place + self.number("I", place) for place in self.elements(table, field)]
