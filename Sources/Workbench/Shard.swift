public import Diffusion

/// One of several parts of an experiment that different processes or machines decode: every N-th sample of each run.
///
/// Which part a sample belongs to depends on its run, its place and N alone, so that a part is the same whenever and wherever it is decoded, and however many
/// runs or problems an experiment has by then.
public struct Shard: Sendable, Hashable {
  /// Which part, from 0.
  public let index: Int
  /// Of how many.
  public let count: Int

  /// The most parts.
  public static let limit = 10_000

  /// A part; nil if there is no such one.
  public init?(_ index: Int, of count: Int) {
    guard (1...Self.limit).contains(count), (0..<count).contains(index) else { return nil }
    (self.index, self.count) = (index, count)
  }

  /// A part from the words of a command line: `0/4` is the first of four.
  public init(_ text: String) throws(ConfigurationError) {
    let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 2, let index = numbers[0], let count = numbers[1], let shard = Shard(index, of: count) else {
      throw .outOfRange(key: "--shard", value: text, expected: "K/N with N up to \(Self.limit) and K from 0 to N - 1, as 0/4 for the first of four")
    }
    self = shard
  }

  /// Whether a run's sample belongs to it.
  ///
  /// - Parameter number: the problem's place in its split.
  func holds(_ number: Int, of plan: RunPlan) -> Bool {
    // Runs begin at different parts, or the first ones would have more to do wherever N does not divide the number of problems.
    let start = plan.digest.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % count }
    return (start + number) % count == index
  }

  /// The name of its journal in a run's folder.
  var journal: String { "shard-\(index)-of-\(count).journal" }

  /// The part that a file in a run's folder is the journal of; nil for any other file.
  init?(journal name: String) {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, let index = Int(parts[1]), parts[3].hasSuffix(".journal"), let count = Int(parts[3].dropLast(8)),
      let shard = Shard(index, of: count), shard.journal == name
    else { return nil }
    self = shard
  }
}

extension Shard: CustomStringConvertible {
  /// As on the command line.
  public var description: String { "\(index)/\(count)" }
}
