"""Make a LiteRT network return its features, too: the input of its last dense layer.

LiteRT computes them anyway, but returns only the tensors that the file lists as outputs. The file
is a FlatBuffer. It consists of tables, whose fields are found by offsets, each relative to its own
position. So a longer list of outputs can be appended to the file, and the offset that points to the
old list can be changed to point to the new one. The fields' numbers are from LiteRT's
``schema.fbs``.
"""

import struct

_OPERATOR_CODES, _SUBGRAPHS = 1, 2  # fields of a model
_OUTPUTS, _OPERATORS = 2, 3  # of a subgraph
_CODE, _INPUTS = 0, 1  # of an operator
_OLD_BUILTIN, _BUILTIN = 0, 3  # of an operator's code: codes up to 127 may be in the old field
_FULLY_CONNECTED = 9


def add_features_output(content: bytes) -> bytes:
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
    longer = bytearray(content) + bytes(-len(content) % 4)  # numbers are aligned to 4 bytes
    offset = file.place(graph, _OUTPUTS)
    struct.pack_into("<I", longer, offset, len(longer) - offset)
    outputs.append(features)
    return bytes(longer) + struct.pack(f"<I{len(outputs)}i", len(outputs), *outputs)


class _File:
    """The numbers and tables of a FlatBuffer, by their positions in bytes."""

    def __init__(self, content: bytes):
        self._content = content

    def number(self, kind: str, place: int) -> int:
        """Read a number; `kind` is its format character in `struct`."""
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
