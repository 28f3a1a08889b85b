internal import Diffusion

/// The shape of a transformer, whatever its family calls things.
public struct ModelConfiguration: Sendable, Hashable {
  /// The family that read it.
  public var family: String
  /// Layers.
  public var layers: Int
  /// Width of the residual stream, `D`.
  public var width: Int
  /// Query heads, `H`.
  public var heads: Int
  /// Key and value heads; divides `heads`.
  public var keyValueHeads: Int
  /// Width of a head.
  public var headWidth: Int
  /// Width of the feed-forward part, `F`.
  public var feedForward: Int
  /// Logits in a row, `V`.
  public var vocabularySize: Int
  /// Added to the mean square in norms.
  public var normEpsilon: Float
  /// Base of the rotary angles.
  public var rotaryBase: Double
  /// The longest sequence.
  public var maxLength: Int
  /// Whether the head is the embedding.
  public var tiedEmbeddings = false
  /// What logits are multiplied by.
  public var logitScale: Float = 1
  /// Whether queries, keys and values have a bias.
  public var attentionBias = false
  /// Whether the other linear layers have one.
  public var outputBias = false
  /// The id of the mask token.
  public var mask: Int32
  /// The id of the end token.
  public var end: Int32
  /// The id that starts a text, if there is one.
  public var start: Int32?

  /// A shape with heads of `width / heads`.
  package init(
    family: String, layers: Int, width: Int, heads: Int, keyValueHeads: Int, feedForward: Int, vocabularySize: Int,
    normEpsilon: Float = 1e-5, rotaryBase: Double = 10000, maxLength: Int, mask: Int32, end: Int32
  ) {
    self.family = family
    self.layers = layers
    self.width = width
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    headWidth = width / max(heads, 1)
    self.feedForward = feedForward
    self.vocabularySize = vocabularySize
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.maxLength = maxLength
    self.mask = mask
    self.end = end
  }
}

/// Reads the keys of a `config.json`; every refusal names the file and the key.
package struct ConfigurationReader: Sendable {
  /// The file, for messages.
  package let file: String
  private let members: [String: StrictJSON]

  /// Reads a file.
  package init(_ path: String) throws(ModelError) {
    file = path
    let mapped: MappedFile
    do throws(WeightsError) { mapped = try MappedFile(path) } catch { throw .weights(error) }
    guard mapped.count <= 1 << 20 else { throw .malformed(file: path, reason: "it has \(mapped.count) bytes, expected at most 1 MB") }
    let document: StrictJSON
    do throws(StrictJSON.Fault) {
      document = try mapped.withBytes { (bytes) throws(StrictJSON.Fault) in try StrictJSON(bytes) }
    } catch { throw .malformed(file: path, reason: "not valid JSON: \(error)") }
    guard case .object(let members) = document else { throw .malformed(file: path, reason: "it is \(document.kind), expected an object") }
    self.members = members
  }

  /// A mistake about a key.
  package func fault(_ key: String, expected: String) -> ModelError {
    .configuration(file: file, key: key, found: members[key]?.kind ?? "missing", expected: expected)
  }

  /// The value of a key; nil where it is absent or null.
  package subscript(key: String) -> StrictJSON? { members[key].flatMap { $0 == .null ? nil : $0 } }

  /// An integer in a range; `fallback` where the key is absent or null.
  package func integer(_ key: String, _ range: ClosedRange<Int>, default fallback: Int? = nil) throws(ModelError) -> Int {
    guard let value = self[key] else {
      if let fallback { return fallback }
      throw fault(key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    guard let integer = value.integer, range.contains(integer) else {
      throw fault(key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  /// A number in a range; `fallback` where the key is absent or null.
  package func number(_ key: String, _ range: ClosedRange<Double>, default fallback: Double? = nil) throws(ModelError) -> Double {
    if self[key] == nil, let fallback { return fallback }
    guard let number = self[key]?.double, range.contains(number) else {
      throw fault(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// True or false; `fallback` where the key is absent or null.
  package func flag(_ key: String, default fallback: Bool) throws(ModelError) -> Bool {
    guard let value = self[key] else { return fallback }
    guard case .bool(let flag) = value else { throw fault(key, expected: "true or false") }
    return flag
  }

  /// Refuses any value but `expected` (or the key's absence): settings that would change the arithmetic are never ignored.
  package func require(_ key: String, _ expected: StrictJSON) throws(ModelError) {
    guard let value = self[key], value != expected else { return }
    throw fault(key, expected: "\(expected.kind) (nothing else is implemented)")
  }
}
