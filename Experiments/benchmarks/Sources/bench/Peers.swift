import Foundation

/// What others have measured on machines of their own, from `peers.json`: printed apart, never beside our figures and never in their report.
enum Peers {
  private struct Peer: Decodable {
    var name: String
    var task: String
    var tokensPerSecond: Double
    var machine: String
    var source: String
  }

  /// A table of them; nil where the file has none.
  static func text() throws -> String? {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let peers = try decoder.decode([Peer].self, from: Data(contentsOf: Goals.folder.appending(path: "peers.json")))
    guard !peers.isEmpty else { return nil }
    let rows = peers.map { [$0.name, $0.task, $0.machine, $0.source, String(format: "%g", $0.tokensPerSecond)] }
    return
      (["measured by others, on their machines (Experiments/benchmarks/peers.json); not comparable with the figures above", ""]
      + Table.lines(rows, header: ["", "", "", "", "tokens/s"])).joined(separator: "\n")
  }
}
