/// The type of a column; names are those that h5py and pandas show.
public enum ColumnType: String, Sendable, Hashable, CaseIterable {
  /// Whole numbers of 1 byte, signed and not.
  case int8, uint8
  /// Signed whole numbers of 4 and of 8 bytes.
  case int32, int64
  /// IEEE 754 numbers of 4 and of 8 bytes.
  case float32, float64
  /// UTF-8 text of any length.
  case string

  /// Bytes of one element on disk; for strings those of a reference, the text lying elsewhere.
  public var size: Int {
    switch self {
    case .int8, .uint8: 1
    case .int32, .float32: 4
    case .int64, .float64: 8
    case .string: 16
    }
  }
}

/// One column of a table: values of one type, in order of rows.
public enum Column: Sendable {
  /// Signed whole numbers of 1 byte.
  case int8([Int8])
  /// Unsigned whole numbers of 1 byte.
  case uint8([UInt8])
  /// Signed whole numbers of 4 bytes.
  case int32([Int32])
  /// Signed whole numbers of 8 bytes.
  case int64([Int64])
  /// IEEE 754 numbers of 4 bytes.
  case float32([Float])
  /// IEEE 754 numbers of 8 bytes.
  case float64([Double])
  /// Texts.
  case string([String])

  /// The type of the values.
  public var type: ColumnType {
    switch self {
    case .int8: .int8
    case .uint8: .uint8
    case .int32: .int32
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .string: .string
    }
  }

  /// Number of values.
  public var count: Int {
    switch self {
    case .int8(let values): values.count
    case .uint8(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .float32(let values): values.count
    case .float64(let values): values.count
    case .string(let values): values.count
    }
  }

  /// The values as integers; empty for other types.
  public var integers: [Int] {
    switch self {
    case .int8(let values): values.map(Int.init)
    case .uint8(let values): values.map(Int.init)
    case .int32(let values): values.map(Int.init)
    case .int64(let values): values.map(Int.init)
    case .float32, .float64, .string: []
    }
  }

  /// The values as float64; empty for other types.
  public var doubles: [Double] {
    switch self {
    case .float32(let values): values.map(Double.init)
    case .float64(let values): values
    case .int8, .uint8, .int32, .int64, .string: []
    }
  }

  /// The values as texts; empty for other types.
  public var strings: [String] {
    if case .string(let values) = self { return values }
    return []
  }

  /// The first row at which two columns differ, bit for bit; a shorter one differs where it ends. Nil if equal.
  public func firstDifference(from other: Column) -> Int? {
    switch (self, other) {
    case (.int8(let a), .int8(let b)): Self.firstDifference(a, b) { $0 == $1 }
    case (.uint8(let a), .uint8(let b)): Self.firstDifference(a, b) { $0 == $1 }
    case (.int32(let a), .int32(let b)): Self.firstDifference(a, b) { $0 == $1 }
    case (.int64(let a), .int64(let b)): Self.firstDifference(a, b) { $0 == $1 }
    case (.float32(let a), .float32(let b)): Self.firstDifference(a, b) { $0.bitPattern == $1.bitPattern }
    case (.float64(let a), .float64(let b)): Self.firstDifference(a, b) { $0.bitPattern == $1.bitPattern }
    case (.string(let a), .string(let b)): Self.firstDifference(a, b) { Array($0.utf8) == Array($1.utf8) }
    default: 0
    }
  }

  private static func firstDifference<T>(_ a: [T], _ b: [T], _ same: (T, T) -> Bool) -> Int? {
    for index in 0..<min(a.count, b.count) where !same(a[index], b[index]) { return index }
    return a.count == b.count ? nil : min(a.count, b.count)
  }

  /// One value as text: `nan` for a number that was not read.
  public func text(at row: Int) -> String {
    switch self {
    case .int8(let values) where values.indices.contains(row): "\(values[row])"
    case .uint8(let values) where values.indices.contains(row): "\(values[row])"
    case .int32(let values) where values.indices.contains(row): "\(values[row])"
    case .int64(let values) where values.indices.contains(row): "\(values[row])"
    case .float32(let values) where values.indices.contains(row): "\(values[row])"
    case .float64(let values) where values.indices.contains(row): "\(values[row])"
    case .string(let values) where values.indices.contains(row): values[row]
    default: "(none)"
    }
  }
}

/// A group of the file: named columns in the order of the schema.
public struct Table: Sendable {
  /// The group's name.
  public let name: String
  /// Names of the columns, in order.
  public private(set) var names: [String] = []
  private var columns: [String: Column] = [:]

  /// A table without columns.
  public init(_ name: String) { self.name = name }

  /// A column by name. Setting one that is not there appends it.
  public subscript(column: String) -> Column? {
    get { columns[column] }
    set {
      if columns[column] == nil, newValue != nil { names.append(column) }
      if newValue == nil { names.removeAll { $0 == column } }
      columns[column] = newValue
    }
  }

  /// The integers of a column; empty if there is none.
  package func integers(_ column: String) -> [Int] { columns[column]?.integers ?? [] }
  /// The numbers of a column; empty if there is none.
  package func doubles(_ column: String) -> [Double] { columns[column]?.doubles ?? [] }
  /// The texts of a column; empty if there is none.
  package func strings(_ column: String) -> [String] { columns[column]?.strings ?? [] }
}
