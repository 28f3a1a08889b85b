import Foundation
import Models
import Testing

/// The one reader of JSON, against Foundation's where both accept, and by its bounds. The files it reads test its grammar too.
@Suite struct JSONTests {
  private func read(_ text: String, depth: Int = 32, values: Int = 100) throws -> JSONDocument {
    try JSONDocument(Array(text.utf8), limits: .init(depth: depth, values: values))
  }

  private func fault(_ text: String, depth: Int = 32, values: Int = 100) -> String {
    do throws(JSONFault) { _ = try JSONDocument(Array(text.utf8), limits: .init(depth: depth, values: values)) } catch { return "\(error)" }
    return "accepted"
  }

  /// What Foundation would hold for a value.
  private func plain(_ value: JSONDocument.Value, _ document: JSONDocument) -> NSObject {
    switch value {
    case .null: NSNull()
    case .bool(let flag): NSNumber(value: flag)
    case .number: NSNumber(value: document.double(value) ?? .nan)
    case .string(let text): NSString(string: document.string(text))
    case .array(let values): NSArray(array: values.map { plain($0, document) })
    case .object(let members):
      NSDictionary(dictionary: Dictionary(uniqueKeysWithValues: members.map { (NSString(string: document.string($0.key)), plain($0.value, document)) }))
    }
  }

  @Test(arguments: [
    #" {"a": [1, -2.5, 3e2, 0.1E-1, true, false, null], "b": {"c": {}}, "d": []} "#,
    #"["\"\\\/\b\f\n\r\t", "\u0041\u00e9\ud83d\ude00", "é😀", ""]"#, "7", #""x""#, "-0", "\t\r\n[0]\n",
  ])
  func agreesWithFoundation(_ text: String) throws {
    let document = try read(text)
    let other = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    #expect(plain(document.root, document).isEqual(other))
  }

  @Test func keysAreBytes() throws {
    let document = try read(#"{"\u00e9": 1, "e\u0301": 2}"#)
    #expect(document.member("\u{e9}", of: document.root).flatMap(document.integer) == 1)
    #expect(document.member("e\u{301}", of: document.root).flatMap(document.integer) == 2)
    #expect(fault(#"{"é": 1, "\u00e9": 2}"#) == #"the key "\u00e9" is given twice in one object (byte 11)"#)
  }

  @Test func bounds() {
    #expect(fault("[[[1]]]", depth: 4) == "accepted")
    #expect(fault("[[[1]]]", depth: 3) == "values are nested more than 3 deep (byte 3)")
    #expect(fault("[1,2,3]", values: 4) == "accepted")
    #expect(fault("[1,2,3,4]", values: 4) == "there are more than 4 values (byte 7)")
    #expect(fault("[1, 2" + String(repeating: "0", count: 80) + "]").contains("a number of 81 characters"))
  }

  @Test func onlyNumbersThatFitAreNumbers() throws {
    let document = try read("[1, 1.0, 9223372036854775808, 1e400, \"1\"]")
    guard case .array(let values) = document.root else {
      Issue.record("not an array")
      return
    }
    #expect(values.map(document.integer) == [1, nil, nil, nil, nil])
    #expect(values.map(document.double) == [1, 1, 0x1p63, nil, nil])
    #expect(values.map(document.kind) == ["1", "1.0", "9223372036854775808", "1e400", "\"1\""])
  }
}
