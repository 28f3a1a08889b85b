internal import Diffusion
package import Models
package import Traces

/// A trace opened for viewing: its samples, and how its tokens are spelled.
package struct ReplaySource: Sendable {
  /// The file, for messages.
  private let file: String
  /// What the file says of itself.
  package let attributes: Trace.Attributes
  /// Its samples.
  package let samples: [SampleTrace]
  /// How its tokens are shown.
  package let spelling: TokenSpelling
  /// The rules that decoded it with their settings, as `credit: {decay: 0.7} + threshold: {confidence: 0.9}`.
  package let strategy: String

  /// - Parameters:
  ///   - file: where the trace is from, for messages.
  ///   - tokenizer: of the model that made the trace; without one, tokens are shown as their ids.
  package init(_ trace: Trace, file: String, tokenizer: Tokenizer?) throws(TraceError) {
    self.file = file
    attributes = trace.attributes
    samples = try trace.samples()
    spelling = TokenSpelling(tokenizer, end: trace.attributes.vocabulary?.end)
    strategy = TokenSpelling.visible(Self.strategy(of: trace.attributes.config) ?? Self.authors(of: samples))
  }

  /// The samples' problems, in order.
  package var names: [String] { samples.map(\.problem) }

  /// Plays a sample by the name of its problem; nil for the first.
  package func playback(of problem: String? = nil) throws -> Playback {
    guard let sample = problem == nil ? samples.first : samples.first(where: { $0.problem == problem }) else {
      guard let problem else { throw ConfigurationError.unsupported("the trace has no samples to show").at(file: file) }
      let kind = samples.count == 1 ? "sample" : "sample, of \(samples.count),"
      throw ConfigurationError.unknownName(name: problem, kind: kind, known: Self.nearest(to: problem, in: names)).at(file: file)
    }
    return try Playback(sample, vocabulary: attributes.vocabulary)
  }

  /// A few names that may have been meant: the nearest first, else the first ones.
  private static func nearest(to name: String, in names: [String]) -> [String] {
    var left = names
    var found: [String] = []
    while found.count < 3, let next = ConfigurationError.nearest(to: name, in: left) {
      found.append(next)
      left.removeAll { $0 == next }
    }
    return found.isEmpty ? Array(names.prefix(3)) : found
  }

  /// What a resolved configuration says of its rules; nil where another program wrote something else.
  private static func strategy(of config: String) -> String? {
    let setting: Setting
    // A configuration of this program takes a few kilobytes.
    guard config.utf8.count < 1 << 16 else { return nil }
    do throws(ConfigurationError) { setting = try YAML.parse(config) } catch { return nil }
    guard case .list(let rules) = setting["strategy"]?.value, !rules.isEmpty else { return nil }
    return rules.map { rule in
      guard case .map(let entries) = rule.value else { return rule.description }
      return entries.map { entry in
        if case .map(let settings) = entry.value.value, settings.isEmpty { return entry.key }
        return "\(entry.key): \(entry.value.description)"
      }.joined(separator: ", ")
    }.joined(separator: " + ")
  }

  private static func authors(of samples: [SampleTrace]) -> String {
    Set(samples.flatMap { $0.edits.map(\.edit.author) }).subtracting(["progress"]).sorted().joined(separator: " + ")
  }
}
