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
        case .int8(let values): out.put(native: values)
        case .uint8(let values): out.put(native: values)
        case .int32(let values): out.put(native: values)
        case .int64(let values): out.put(native: values)
        case .float32(let values): out.put(native: values)
        case .float64(let values): out.put(native: values)
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
    return switch type {
    case .int8: input.native(count, Int8.self).map(Column.int8)
    case .uint8: input.native(count, UInt8.self).map(Column.uint8)
    case .int32: input.native(count, Int32.self).map(Column.int32)
    case .int64: input.native(count, Int64.self).map(Column.int64)
    case .float32: input.native(count, Float.self).map(Column.float32)
    case .float64: input.native(count, Double.self).map(Column.float64)
    case .string: texts(count, &input).map(Column.string)
    }
  }

  private static func texts(_ count: Int, _ input: inout ByteReader) -> [String]? {
    var texts: [String] = []
    texts.reserveCapacity(count)
    for _ in 0..<count {
      guard let text = input.text() else { return nil }
      texts.append(text)
    }
    return texts
  }
}
