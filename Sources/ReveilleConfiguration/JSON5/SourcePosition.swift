/// Where something stands in a text: line and column, both counted from 1.
///
/// A column is one Unicode scalar; a line ends with LF, CR or CR LF, as editors count.
public struct SourcePosition: Sendable, Hashable, CustomStringConvertible {
    /// The line, from 1.
    public let line: Int
    /// The column, from 1.
    public let column: Int

    /// The first place of every text.
    public static let start = SourcePosition(line: 1, column: 1)

    /// Makes a position from a line and a column, both from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`, as compilers and editors write it.
    public var description: String { "\(line):\(column)" }
}
