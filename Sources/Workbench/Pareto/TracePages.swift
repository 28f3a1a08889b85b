internal import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// Replay pages of the runs behind a plot's points, one file per run, in a folder beside the page.
package struct TracePages: Sendable {
  /// Where each run's page lies, relative to the plot's page, by the run's digest. A run that recorded no decisions has none.
  package private(set) var links: [String: String] = [:]
  /// The size of all of them.
  package private(set) var bytes = 0

  /// How many problems of each run are shown.
  package static let problems = 3

  /// No pages.
  package init() {}

  /// Writes the pages into the folder `NAME_traces` beside `NAME.html`.
  ///
  /// - Parameters:
  ///   - begin: told how many runs there are.
  ///   - advance: called after each.
  package init(of pareto: Pareto, beside page: String, begin: (Int) -> Void = { _ in }, advance: () -> Void = {}) throws {
    let name = URL(fileURLWithPath: page).deletingPathExtension().lastPathComponent + "_traces"
    let folder = URL(fileURLWithPath: page).deletingLastPathComponent().appending(path: name).path
    // A digest becomes a file's name.
    let runs = pareto.groups.flatMap(\.points).compactMap(\.runs.first).filter {
      $0.digest.utf8.count == 16 && $0.digest.utf8.allSatisfy(RunIndex.isHexadecimal)
    }
    begin(runs.count)
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw TraceError.unwritable(path: folder, reason: YAML.reason(error))
    }
    var models: [String: (digest: String, tokenizer: Tokenizer)?] = [:]
    for run in runs where links[run.digest] == nil {
      if models[run.model] == nil { models[run.model] = .some(Self.model(run.model)) }
      if let html = try Self.page(of: run, models[run.model] ?? nil) {
        try DurableFile.replace("\(folder)/\(run.digest).html", with: Array(html.utf8))
        bytes += html.utf8.count
        links[run.digest] = "./\(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? name)/\(run.digest).html"
      }
      advance()
    }
  }

  /// A model's tokenizer, and the digest by which traces name it; nil where it is not at hand, as then tokens are shown by their numbers.
  private static func model(_ name: String) -> (digest: String, tokenizer: Tokenizer)? {
    do { return (try ModelLibrary.digest(name), try ModelLibrary.tokenizer(name)) } catch { return nil }
  }

  /// A run's first problems, fewer where they are long; nil where there is nothing to replay.
  private static func page(of run: Pareto.Point.Run, _ model: (digest: String, tokenizer: Tokenizer)?) throws -> String? {
    let file = run.directory + "/trace.h5"
    let trace = try TraceFile.read(file)
    guard trace.attributes.level != TraceLevel.none.name else { return nil }
    let tokenizer = model?.digest == trace.attributes.modelDigest ? model?.tokenizer : nil
    let source = try ReplaySource(trace, file: file, tokenizer: tokenizer)
    for count in [problems, 1] {
      do { return try ReplayPage([source], problems: Array(source.names.prefix(count))).html } catch TraceError.tooLarge {}
    }
    return nil
  }
}
