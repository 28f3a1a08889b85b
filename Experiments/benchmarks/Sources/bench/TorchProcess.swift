import Foundation

/// `torch_decode.py` with one model, asked line by line.
final class TorchProcess {
  private let process = Process()
  private let requests = Pipe()
  private let answers = Pipe()
  private var unread = Data()
  /// PyTorch's version.
  private(set) var version = ""

  struct Request: Encodable {
    var op: String
    var threads: Int
    var tokens: [Int32]
    /// `needed` or `all`.
    var rows = "needed"
    var prompt: Int?
    var block: Int?
    var strategy: String?
    var confidence: Double?
    var asked: Int?
    var `repeat`: Int?
  }

  struct Answer: Decodable {
    var seconds: Double?
    /// For each round position and token of what was revealed, sorted.
    var commits: [[[Int32]]]?
    /// The best token of each row asked for.
    var best: [Int32]?
    var torch: String?
  }

  /// Starts PyTorch and loads a model.
  init(model directory: String) throws {
    process.executableURL = URL(fileURLWithPath: try Self.python())
    process.arguments = [Goals.folder.appending(path: "torch_decode.py").path, directory]
    process.standardInput = requests
    process.standardOutput = answers
    try process.run()
    version = try answer().torch ?? "of unknown version"
  }

  deinit {
    do { try requests.fileHandleForWriting.close() } catch { process.terminate() }
    process.waitUntilExit()
  }

  func ask(_ request: Request) throws -> Answer {
    try requests.fileHandleForWriting.write(contentsOf: try JSONEncoder().encode(request) + Data([10]))
    return try answer()
  }

  private func answer() throws -> Answer {
    while true {
      if let end = unread.firstIndex(of: 10) {
        let line = unread[unread.startIndex..<end]
        unread = unread[(end + 1)...]
        return try JSONDecoder().decode(Answer.self, from: line)
      }
      let more = answers.fileHandleForReading.availableData
      guard !more.isEmpty else { throw BenchError("torch_decode.py ended without an answer; is PyTorch there? `make torch` installs it") }
      unread += more
    }
  }

  /// The environment's UNMASK_TORCH_PYTHON, or what `make torch` made.
  private static func python() throws -> String {
    // Not the file that `python` links to, which knows nothing of the folder: no path with `..`, which Foundation would resolve.
    let root = Goals.folder.deletingLastPathComponent().deletingLastPathComponent()
    let made = root.appending(path: ".build/torch/venv/bin/python").path
    let path = ProcessInfo.processInfo.environment["UNMASK_TORCH_PYTHON"] ?? made
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw BenchError("\(path) is no program; `make torch` makes a Python with PyTorch, or name one in UNMASK_TORCH_PYTHON")
    }
    return path
  }
}
