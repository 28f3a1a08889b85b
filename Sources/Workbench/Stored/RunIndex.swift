internal import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// Which runs make up an experiment, by the names its file gives them: `OUT/<experiment>/experiment.json`, written whenever it is run.
///
/// A run's own folder holds what decides its result, and nothing that a file may rename. Runs of earlier states of the file stay in the folder and are not
/// listed.
public struct RunIndex: Sendable, Hashable, Codable {
  /// One run.
  public struct Entry: Sendable, Hashable, Codable {
    /// Its digest, which names its folder.
    public let digest: String
    /// The strategy's name in the file.
    public let strategy: String
    /// Its swept keys, as `confidence=0.9`; empty where nothing is swept.
    public let setting: String
    /// The model's name.
    public let model: String
    /// How many problems were asked for.
    public let limit: Int

    /// An entry.
    public init(digest: String, strategy: String, setting: String, model: String, limit: Int) {
      self.digest = digest
      self.strategy = strategy
      self.setting = setting
      self.model = model
      self.limit = limit
    }
  }

  /// The experiment's name.
  public let experiment: String
  /// The strategy that others are measured against.
  public let baseline: String?
  /// Its runs, in the order of the file.
  public let runs: [Entry]

  /// The file's name.
  static let fileName = "experiment.json"

  /// An index of runs.
  public init(experiment: String, baseline: String?, runs: [Entry]) {
    self.experiment = experiment
    self.baseline = baseline
    self.runs = runs
  }

  /// The index of an experiment's plans.
  public init(_ experiment: Experiment, _ plans: [RunPlan]) {
    self.init(
      experiment: experiment.name, baseline: experiment.baseline,
      runs: plans.map {
        Entry(digest: $0.digest, strategy: $0.cell.strategy, setting: $0.cell.setting, model: $0.model.name, limit: $0.selection.limit)
      })
  }

  /// Writes the index into an experiment's folder, which is made if it is missing.
  public func write(to folder: String) throws(RunError) {
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw .file(path: folder, reason: "cannot be made: " + YAML.reason(error))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data: Data
    do { data = try encoder.encode(self) } catch { throw .encoding("\(error)") }
    do { try DurableFile.replace(folder + "/" + Self.fileName, with: Array(data) + [UInt8(ascii: "\n")]) } catch { throw .trace(error) }
  }

  /// Reads the index of a folder; nil where there is none.
  public static func read(from folder: String) throws(RunError) -> RunIndex? {
    let path = folder + "/" + fileName
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text: String
    do { text = try YAML.text(of: path) } catch { throw .configuration(error) }
    let index: RunIndex
    do { index = try JSONDecoder().decode(RunIndex.self, from: Data(text.utf8)) } catch {
      throw .configuration(.damaged("\(path): it is not an experiment's index; run the experiment again to write it anew"))
    }
    // Digests become folder names.
    guard index.runs.allSatisfy({ $0.digest.utf8.count == 16 && $0.digest.utf8.allSatisfy(isHexadecimal) }) else {
      throw .configuration(.damaged("\(path): it names a run that is no digest of 16 hexadecimal digits"))
    }
    guard index.runs.allSatisfy({ $0.limit >= 1 }) else { throw .configuration(.damaged("\(path): it asks for a run of no problems")) }
    return index
  }

  /// Whether a byte is one of 0 to 9 and a to f.
  static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
