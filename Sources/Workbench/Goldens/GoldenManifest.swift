package import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// What belongs to a suite: every golden's file with its digest, and what it was recorded with. A golden missing from disk, added to it or edited is found by it.
package struct GoldenManifest: Sendable, Hashable {
  /// One golden.
  package struct Record: Sendable, Hashable {
    /// The file, from the suite's folder.
    package let file: String
    /// SHA-256 of its bytes.
    package let digest: String
    /// The strategy's name in the suite.
    package let strategy: String
    /// The model's name.
    package let model: String
    /// SHA-256 of the model.
    package let modelDigest: String
    /// The engine version that recorded it.
    package let engine: Int
    /// Every setting of the rules, defaults filled in.
    package let settings: Setting
    /// The setting that was put exactly where decisions change, as `confidence=0.5`; nil for the strategy as it stands in the suite.
    package let edge: String?
  }

  /// The goldens, in order of their files.
  package var records: [Record]

  /// The file's name.
  package static let fileName = "manifest.json"
  private static let schema = "unmask-goldens"
  private static let version = 1

  init(_ records: [Record] = []) { self.records = records.sorted { $0.file < $1.file } }

  /// Reads the manifest of a folder; nil if there is none.
  init?(folder: String) throws(ConfigurationError) {
    let path = folder + "/" + Self.fileName
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let setting: Setting
    do { setting = try YAML.read(file: path) } catch { throw .damaged("the manifest cannot be read: \(error)") }
    guard setting["schema"] == Setting(.text(Self.schema)), setting["version"] == Setting(.integer(Self.version)),
      case .list(let items)? = setting["goldens"]?.value
    else { throw .damaged("\(path) is not a manifest of goldens of version \(Self.version)") }
    var records: [Record] = []
    for item in items {
      guard let record = Record(item) else { throw .damaged("\(path): the entry on line \(item.line ?? 0) is not one of this program's") }
      records.append(record)
    }
    if let twice = Set(records.map(\.file)).first(where: { file in records.count { $0.file == file } > 1 }) {
      throw .damaged("\(path): \(twice) is listed twice")
    }
    self.init(records)
  }

  /// The record of a file.
  func record(_ file: String) -> Record? { records.first { $0.file == file } }

  /// The manifest as JSON, one golden per line, so that a changed golden is a changed line.
  var text: String {
    let head = "{\"schema\":\(Setting.quoted(Self.schema)),\"version\":\(Self.version),\"goldens\":["
    return head + records.map { "\n" + $0.setting.json }.joined(separator: ",") + "\n]}\n"
  }

  /// Replaces the manifest of a folder as a whole.
  func write(to folder: String) throws(TraceError) { try DurableFile.replace(folder + "/" + Self.fileName, with: Array(text.utf8)) }

  /// SHA-256 of a file's bytes, in hexadecimal digits.
  static func digest(of bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexadecimal()
  }
}

extension GoldenManifest.Record {
  fileprivate init?(_ setting: Setting) {
    func text(_ key: String) -> String? { if case .text(let text)? = setting[key]?.value { text } else { nil } }
    guard let file = text("file"), let digest = text("sha256"), let strategy = text("strategy"), let model = text("model"),
      let modelDigest = text("model_digest"), case .integer(let engine)? = setting["engine"]?.value, let settings = setting["settings"],
      !file.split(separator: "/").contains(".."), !file.hasPrefix("/")
    else { return nil }
    self.init(
      file: file, digest: digest, strategy: strategy, model: model, modelDigest: modelDigest, engine: engine, settings: settings, edge: text("edge"))
  }

  fileprivate var setting: Setting {
    var entries: [Setting.Entry] = [
      Setting.Entry("file", Setting(.text(file))), Setting.Entry("sha256", Setting(.text(digest))), Setting.Entry("strategy", Setting(.text(strategy))),
      Setting.Entry("model", Setting(.text(model))), Setting.Entry("model_digest", Setting(.text(modelDigest))),
      Setting.Entry("engine", Setting(.integer(engine))), Setting.Entry("settings", settings),
    ]
    if let edge { entries.append(Setting.Entry("edge", Setting(.text(edge)))) }
    return Setting(.map(entries))
  }
}
