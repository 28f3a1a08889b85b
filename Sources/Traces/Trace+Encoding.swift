internal import Diffusion

/// The form in which a contained reader hands a trace to the process that asked for it.
extension Trace {
  var encoded: [UInt8] {
    var out = ByteWriter()
    let own = attributes
    for text in [own.config, own.runDigest, own.modelDigest, own.created, own.status.rawValue, own.level, own.timing?.rawValue ?? ""] { out.put(text) }
    let vocabulary = attributes.vocabulary
    out.put(vocabulary.map { [$0.size, Int($0.mask), Int($0.end)] } ?? [])
    out.put(candidates)
    out.put(tables.count)
    for table in tables {
      out.put(table.name)
      out.put(table.names.count)
      for name in table.names {
        guard let column = table[name] else { continue }
        out.put(name)
        out.put(column.type.rawValue)
        out.put(column.count)
        switch column {
        case .int8(let values): for value in values { out.put(fixed: value) }
        case .uint8(let values): for value in values { out.put(fixed: value) }
        case .int32(let values): for value in values { out.put(fixed: value) }
        case .int64(let values): for value in values { out.put(fixed: value) }
        case .float32(let values): for value in values { out.put(value) }
        case .float64(let values): for value in values { out.put(value) }
        case .string(let values): for value in values { out.put(value) }
        }
      }
    }
    return out.bytes
  }

  init?(decoding bytes: [UInt8]) {
    var input = ByteReader(bytes[...])
    guard let config = input.text(), let run = input.text(), let model = input.text(), let created = input.text(),
      let status = input.text().flatMap(Status.init(rawValue:)), let level = input.text(), let timing = input.text(), let words = input.integers(),
      let candidates = input.integer(),
      let tableCount = input.count()
    else { return nil }
    var attributes = Attributes(config: config, runDigest: run, modelDigest: model, created: created, status: status)
    attributes.level = level
    attributes.timing = Timing(rawValue: timing)
    if words.count == 3, let mask = Token(exactly: words[1]), let end = Token(exactly: words[2]) {
      attributes.vocabulary = Vocabulary(size: words[0], mask: mask, end: end)
    }
    var tables: [Table] = []
    for _ in 0..<tableCount {
      guard let name = input.text(), let columns = input.count() else { return nil }
      var table = Table(name)
      for _ in 0..<columns {
        guard let column = input.text(), let type = input.text().flatMap(ColumnType.init(rawValue:)), let values = Self.column(type, &input) else { return nil }
        table[column] = values
      }
      tables.append(table)
    }
    self.init(attributes: attributes, tables: tables, candidates: candidates)
    guard input.isAtEnd else { return nil }
  }

  private static func column(_ type: ColumnType, _ input: inout ByteReader) -> Column? {
    guard let count = input.count(of: type == .string ? 1 : type.size) else { return nil }
    func values<T>(_ next: (inout ByteReader) -> T?) -> [T]? {
      var values: [T] = []
      values.reserveCapacity(count)
      for _ in 0..<count {
        guard let value = next(&input) else { return nil }
        values.append(value)
      }
      return values
    }
    return switch type {
    case .int8: values { $0.fixed(Int8.self) }.map(Column.int8)
    case .uint8: values { $0.fixed(UInt8.self) }.map(Column.uint8)
    case .int32: values { $0.fixed(Int32.self) }.map(Column.int32)
    case .int64: values { $0.fixed(Int64.self) }.map(Column.int64)
    case .float32: values { $0.float() }.map(Column.float32)
    case .float64: values { $0.double() }.map(Column.float64)
    case .string: values { $0.text() }.map(Column.string)
    }
  }
}
