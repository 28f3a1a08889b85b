internal import Foundation
internal import Traces

/// An array of tasks for a launcher: one script, run once per part.
package struct LaunchJob: Sendable {
  /// The name that its tasks are found by: the experiment's, and a digest of the folder its runs lie in.
  package let name: String
  /// Where script and logs are kept.
  package let folder: String
  /// How many parts the experiment is cut into.
  package let shards: Int
  /// The parts that still lack samples.
  package var tasks: [Int] = []
  /// Cores that each task asks for; nil leaves it to the engine.
  package var cores: Int?
  /// The folder that relative paths in the experiment's file count from.
  private let directory: String
  /// The command that decodes a part, without `--shard` and `--jobs`.
  private let command: [String]

  /// An array that decodes an experiment's runs.
  ///
  /// - Parameters:
  ///   - experiment: the experiment's name.
  ///   - folder: the folder of its runs.
  ///   - engine: the launcher's name; scripts and logs go to a folder of that name beside the runs.
  ///   - command: the words of `unmask run` that each task runs, its executable with an absolute path first.
  package init(experiment: String, folder: String, engine: String, shards: Int, command: [String]) {
    let path = Self.absolute(folder)
    name = "unmask-\(experiment)-\(RunPlan.digest(of: path).prefix(8))"
    self.folder = path + "/" + engine
    self.shards = shards
    self.command = command
    directory = FileManager.default.currentDirectoryPath
  }

  /// A path from the root, whatever the present folder.
  package static func absolute(_ path: String) -> String {
    // Only the present folder is put before it: links stay, for other machines may know them under these names alone.
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// The script's file.
  package var script: String { folder + "/array.sh" }

  /// What each task runs.
  package func text(for launcher: (any Launcher.Type)) -> String {
    """
    #!/bin/sh
    # Decodes one of \(shards) parts of an experiment. Written by `unmask run --launcher \(launcher.name)`; may be run again for any part.
    cd -- \(Self.quoted(directory)) || exit 3
    exec \(command.map(Self.quoted).joined(separator: " ")) --shard "\(launcher.task)/\(shards)" --jobs "\(launcher.cores)"

    """
  }

  /// Writes the script.
  func write(for launcher: (any Launcher.Type)) throws(LaunchError) {
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw .file(path: folder, reason: "cannot be made: " + YAML.reason(error))
    }
    do throws(TraceError) { try DurableFile.replace(script, with: Array(text(for: launcher).utf8)) } catch {
      throw .file(path: script, reason: "\(error)")
    }
  }

  /// Writes the script and submits it, unless an array of this name is queued or running.
  ///
  /// - Returns: the array's id.
  package func launch(by launcher: some Launcher) throws(LaunchError) -> String {
    try write(for: type(of: launcher))
    // Two that look at once would both find nothing queued.
    let lock: Journal
    do throws(TraceError) { lock = try Journal(folder + "/submitting", runDigest: name) } catch {
      if case .locked = error { throw .busy(folder: folder) }
      throw .file(path: folder, reason: "\(error)")
    }
    let state = try launcher.active(name)
    guard state.isOver else {
      let words = state.ids.map(launcher.cancellation).joined(separator: "; ")
      throw .active(experiment: name, ids: state.ids, tasks: state.queued + state.running, cancellation: words)
    }
    let id = try launcher.submit(self)
    do throws(TraceError) { try lock.remove() } catch { throw .file(path: folder, reason: "\(error)") }
    return id
  }

  /// A word for a POSIX shell, whatever characters it has.
  package static func quoted(_ word: String) -> String { "'" + word.replacing("'", with: #"'\''"#) + "'" }

  /// The words of a line as a shell parts them: by spaces, with quotes and backslashes, and nothing else.
  ///
  /// - Throws: `.options` for a quote without its end.
  package static func words(_ line: String) throws(LaunchError) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in line {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if quote == nil, character.isWhitespace {
        if let word { words.append(word) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil, !isEscaped else { throw .options("`\(line)`: a quote or backslash without its end") }
    return words + (word.map { [$0] } ?? [])
  }

  /// Numbers as an engine's list of them: `0-2,5`.
  package static func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}
