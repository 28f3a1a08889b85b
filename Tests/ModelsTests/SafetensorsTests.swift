import Diffusion
import Foundation
import Models
import Testing

/// Files that lie are refused with one error that names file and tensor; nothing a file holds can crash the reader.
@Suite struct SafetensorsTests {
  /// A file of a header and `data` bytes of zeros.
  private func bytes(_ header: String, data: Int, claim: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (claim ?? UInt64(header.utf8.count)).littleEndian, Array.init) + Array(header.utf8) + Array(repeating: 0, count: data)
  }

  private func refusal(_ bytes: [UInt8]) throws -> WeightsError? {
    try Fixture.withDirectory { directory in
      let path = directory + "/f.safetensors"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do throws(WeightsError) { _ = try SafetensorsFile(path) } catch {
        #expect("\(error)".contains("f.safetensors") && !"\(error)".contains("\n"))
        return error
      }
      return nil
    }
  }

  static let headers: [(String, Int, String)] = [
    ("", 0, "not valid JSON"),
    ("[]", 0, "expected an object"),
    ("7", 0, "expected an object"),
    ("{", 0, "ends too early"),
    ("{}x", 0, "something follows the value"),
    (#"{"a":1}"#, 0, "`a`: its entry is 1"),
    (#"{"a":{}}"#, 0, "`a`: `dtype`"),
    (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "`a`: `data_offsets`"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "`a`: `data_offsets`"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}"#, 4, "`extra`"),
    (#"{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}"#, 4, "`a`: `dtype`"),
    (#"{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}"#, 4, "\"F31\" is unknown"),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "`a`: `shape`"),
    (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "`a`: `shape`"),
    (#"{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#, 4, "`a`: `shape`"),
    (#"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "`a`: `shape`"),
    (#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#, 4, "more elements than can be counted"),
    (#"{"a":{"dtype":"F32","shape":[1152921504606846977],"data_offsets":[0,4]}}"#, 4, "`a`: 4 bytes"),
    (#"{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}"#, 4, "`a`: 4 bytes"),
    (#"{"a":{"dtype":"F32","shape":[0,4611686018427387905],"data_offsets":[0,0]}}"#, 4, "last 4 bytes"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "`a`: 4 bytes of data"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, 4, "`a`: its bytes 0 to 8 reach outside"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 4, "`a`: its bytes 4 to 8 reach outside"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "`a`: `data_offsets`"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "`a`: its bytes 4 to 0"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551620]}}"#, 4, "`a`: `data_offsets`"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, 4, "reach outside"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "overlap those of `a`"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[2],"data_offsets":[6,10]}}"#, 10, "`b`: its bytes overlap"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "bytes 0 to 4 before it belong to no tensor"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 9, "last 5 bytes belong to no tensor"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "the key \"a\" is given twice"),
    (#"{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#, 4, "the key \"dtype\" is given twice"),
    (#"{"__metadata__":3}"#, 0, "__metadata__ is 3"),
    (#"{"__metadata__":{"k":3}}"#, 0, "__metadata__.k"),
    (#"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#, 4, "9 dimensions"),
    (#"{"\u00e9":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"e\u0301":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#, 0, "in other bytes"),
    ("{\"a\u{1}\":1}", 0, "control character"),
    (#"{"\ud800\u0041":1}"#, 0, "surrogate"),
    (#"{"\ud800":1}"#, 0, "half a surrogate pair"),
    (String(repeating: "[", count: 100_000), 0, "nested more than 32 deep"),
    (#"{"a":"# + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}", 0, "nested more than 32 deep"),
    (#"{"a":01}"#, 0, "leading zero"),
    (#"{"a":NaN}"#, 0, "expected a value"),
  ]

  @Test(arguments: headers.indices) func lyingHeaders(_ index: Int) throws {
    let (header, data, expected) = Self.headers[index]
    let error = try refusal(bytes(header, data: data))
    #expect(error.map { "\($0)".contains(expected) } ?? false, "\(error.map { "\($0)" } ?? "accepted"), expected: \(expected)")
  }

  @Test func headerLengths() throws {
    for claim in [3, 9, 100_000_001, 1 << 40, UInt64.max, UInt64(Int.max), UInt64(Int.max) - 7] {
      #expect(try refusal(bytes("{}", data: 0, claim: claim)) != nil)
    }
    guard case .headerLength = try refusal(bytes("{}", data: 0, claim: .max)) else {
      Issue.record("a header longer than any file must be refused by its length")
      return
    }
    for count in 0..<8 { #expect(try refusal(Array(repeating: 0, count: count)) != nil) }
  }

  @Test func honestFiles() throws {
    #expect(try refusal(bytes("{}", data: 0)) == nil)
    #expect(try refusal(bytes(#"{"__metadata__":{"format":"pt"}}   "#, data: 0)) == nil)
    #expect(try refusal(bytes(#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"I64","shape":[0],"data_offsets":[4,4]}}"#, data: 4)) == nil)
    #expect(try refusal(bytes(#"{"b":{"dtype":"I8","shape":[3],"data_offsets":[0,3]},"a":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}}"#, data: 7)) == nil)
  }

  @Test func whatIsNoFile() throws {
    try Fixture.withDirectory { directory in
      func refusal(_ path: String) -> String {
        do throws(WeightsError) { _ = try SafetensorsFile(path) } catch { return "\(error)" }
        return "accepted"
      }
      #expect(refusal(directory).contains("is a directory"))
      #expect(refusal(directory + "/none").contains("cannot be read"))
      #expect(refusal("/dev/zero").contains("not an ordinary file"))
      #expect(mkfifo(directory + "/pipe", 0o600) == 0)
      #expect(refusal(directory + "/pipe").contains("not an ordinary file"))
    }
  }

  @Test func truncatedAndFlippedBytesNeverCrash() throws {
    let shape = Fixture.shape(layers: 1, width: 8, heads: 2, groups: 1, feedForward: 8, vocabulary: 8)
    try Fixture.withDirectory { directory in
      try RandomModel.write(shape, to: directory)
      let path = directory + "/model.safetensors"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for count in stride(from: 0, to: whole.count, by: 64) {
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        #expect(throws: ModelError.self) { try Transformer(directory: directory) }
      }
      let header = 8 + Int(whole[0]) + Int(whole[1]) << 8
      var stream = SeededStream(SeededRandom(seed: 1))
      var refused = 0
      for round in 0..<1500 {
        var broken = whole
        for _ in 0...round % 3 {
          broken[Int.random(in: 0..<(round % 4 == 0 ? whole.count : header), using: &stream)] = UInt8(truncatingIfNeeded: stream.next())
        }
        try broken.write(to: URL(fileURLWithPath: path))
        do throws(ModelError) { _ = try Transformer(directory: directory) } catch { refused += 1 }
      }
      #expect(refused > 500)
    }
  }
}
