#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// One sample of a step-map file, under whichever names its program uses.
struct StepMapRecord: Decodable {
  /// Why a file does not hold step maps, and where.
  struct Mistake: Error {
    let reason: String

    func at(_ place: String) -> Mistake { Mistake(reason: "\(place): \(reason)") }
  }

  let tokens: [Int32]?
  let text: String?
  /// Rounds as the file counts them, -1 where a token was given.
  let steps: [Int]
  let prompt: [Int32]
  let problem: String?
  let seed: Int
  /// 1, 0, or -1 if not graded.
  let correct: Int

  static func list(_ bytes: [UInt8]) throws(Mistake) -> [StepMapRecord] {
    do { return try JSONDecoder().decode([StepMapRecord].self, from: Data(bytes)) } catch { throw mistake(error) }
  }

  static func one(_ bytes: ArraySlice<UInt8>) throws(Mistake) -> StepMapRecord {
    do { return try JSONDecoder().decode(StepMapRecord.self, from: Data(bytes)) } catch { throw mistake(error) }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let meta = Key(stringValue: "meta_info")
    let places = fields.contains(meta) ? [fields, try fields.nestedContainer(keyedBy: Key.self, forKey: meta)] : [fields]
    func value<T: Decodable>(_ type: T.Type, _ names: [String]) throws -> T? {
      for place in places {
        for key in names.map(Key.init) where place.contains(key) { return try place.decodeIfPresent(type, forKey: key) }
      }
      return nil
    }
    func optional<T: Decodable>(_ type: T.Type, _ names: [String]) -> T? {
      do { return try value(type, names) } catch { return nil }
    }
    guard let steps = try value([Int?].self, ["step_map", "step_maps", "first_unmask_times"]) else {
      throw DecodingError.dataCorrupted(DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "there is no `step_map`"))
    }
    self.steps = steps.map { $0 ?? -1 }
    tokens = try value([Int32].self, ["token_ids", "tokens", "output_ids", "response_ids"])
    // Names that other programs use for other things too are taken only where they fit.
    text = optional(String.self, ["response", "text"])
    prompt = try value([Int32].self, ["prompt_ids", "prompt_token_ids", "input_ids"]) ?? []
    problem = optional(String.self, ["problem", "id"]) ?? optional(Int.self, ["problem", "id"]).map { "\($0)" }
    seed = optional(Int.self, ["seed"]) ?? 0
    let grade = optional(Bool.self, ["correct"]).map { $0 ? 1 : 0 } ?? optional(Double.self, ["reward", "correct"])
    correct = grade == 1 ? 1 : grade == 0 ? 0 : -1
  }

  private static func mistake(_ error: any Error) -> Mistake {
    let context: DecodingError.Context
    switch error {
    case DecodingError.dataCorrupted(let found), DecodingError.typeMismatch(_, let found), DecodingError.keyNotFound(_, let found),
      DecodingError.valueNotFound(_, let found):
      context = found
    default: return Mistake(reason: "it is not JSON")
    }
    var place = ""
    for key in context.codingPath { place += key.intValue.map { "[\($0)]" } ?? (place.isEmpty ? "" : ".") + key.stringValue }
    return Mistake(reason: (place.isEmpty ? "" : "\(place): ") + context.debugDescription)
  }
}
