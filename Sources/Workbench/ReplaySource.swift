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
  /// The rules that decoded it; names alone where the file does not say their settings.
  package let rules: [Rule]

  /// A rule that decoded a trace.
  package struct Rule: Sendable, Hashable {
    /// Its name.
    package let name: String
    /// Its settings, as `{confidence: 0.9}`; empty where there are none.
    package let settings: String

    fileprivate init(_ name: String, _ settings: Setting? = nil) {
      self.name = TokenSpelling.visible(name)
      var isEmpty = false
      if case .map(let entries)? = settings?.value { isEmpty = entries.isEmpty }
      self.settings = isEmpty ? "" : settings.map { TokenSpelling.visible($0.description) } ?? ""
    }
  }

  /// - Parameters:
  ///   - file: where the trace is from, for messages.
  ///   - tokenizer: of the model that made the trace; without one, tokens are shown as their ids.
  package init(_ trace: Trace, file: String, tokenizer: Tokenizer?) throws(TraceError) {
    self.file = file
    attributes = trace.attributes
    samples = try trace.samples()
    spelling = TokenSpelling(tokenizer, end: trace.attributes.vocabulary?.end)
    rules = Self.rules(of: trace.attributes.config) ?? Self.authors(of: samples)
  }

  /// The rules with their settings, as `credit: {decay: 0.7} + threshold: {confidence: 0.9}`.
  package var strategy: String { rules.map { $0.settings.isEmpty ? $0.name : "\($0.name): \($0.settings)" }.joined(separator: " + ") }

  /// The rules' names, as `credit + threshold`.
  package var shortStrategy: String { rules.map(\.name).joined(separator: " + ") }

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
  private static func rules(of config: String) -> [Rule]? {
    let setting: Setting
    // A configuration of this program takes a few kilobytes.
    guard config.utf8.count < 1 << 16 else { return nil }
    do throws(ConfigurationError) { setting = try YAML.parse(config) } catch { return nil }
    guard case .list(let rules) = setting["strategy"]?.value, !rules.isEmpty else { return nil }
    return rules.flatMap { rule in
      guard case .map(let entries) = rule.value else { return [Rule(rule.description)] }
      return entries.map { Rule($0.key, $0.value) }
    }
  }

  private static func authors(of samples: [SampleTrace]) -> [Rule] {
    Set(samples.flatMap { $0.edits.map(\.edit.author) }).subtracting(["progress"]).sorted().map { Rule($0) }
  }
}
