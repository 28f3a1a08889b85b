import Diffusion
import Foundation

/// Recorded data as settings: the same tree, with accessors that fail a test instead of trapping.
extension Setting {
  /// A setting from a value of JSONSerialization.
  init(json: Any) throws {
    switch json {
    case let text as String: self.init(.text(text))
    case let items as [Any]: self.init(.list(try items.map(Setting.init(json:))))
    case let fields as [String: Any]: self.init(.map(try fields.sorted { $0.key < $1.key }.map { Entry($0.key, try Setting(json: $0.value)) }))
    case let number as NSNumber:
      if isBoolean(number) {
        self.init(.bool(number.boolValue))
      } else if let whole = Int(exactly: number.doubleValue) {
        self.init(.integer(whole))
      } else {
        self.init(.number(number.doubleValue))
      }
    default: self.init(.null)
    }
  }
}

private func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" || String(cString: number.objCType) == "B" }

extension Setting {
  /// What is missing from recorded data.
  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  /// A file of recorded data.
  init(file: URL) throws { try self.init(json: try JSONSerialization.jsonObject(with: try Data(contentsOf: file), options: [.fragmentsAllowed])) }

  /// The value under a key.
  func at(_ key: String) throws -> Setting {
    guard let value = self[key] else { throw Missing(description: "no `\(key)` in \(description.prefix(200))") }
    return value
  }

  /// A list's items.
  var items: [Setting] {
    get throws {
      guard case .list(let items) = value else { throw Missing(description: "not a list: \(description.prefix(200))") }
      return items
    }
  }

  /// A number, whole or not.
  var double: Double {
    get throws {
      switch value {
      case .integer(let number): return Double(number)
      case .number(let number): return number
      default: throw Missing(description: "not a number: \(description.prefix(200))")
      }
    }
  }

  /// A whole number.
  var int: Int { get throws { Int(try double) } }
  /// A row of logits.
  var floats: [Float] { get throws { try items.map { Float(try $0.double) } } }
  /// Whole numbers.
  var ints: [Int] { get throws { try items.map { try $0.int } } }
  /// Text, or nil.
  var text: String? { if case .text(let text) = value { text } else { nil } }
  /// True.
  var isTrue: Bool { value == .bool(true) }
}
