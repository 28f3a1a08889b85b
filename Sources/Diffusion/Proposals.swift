internal import Synchronization

/// Tokens already drawn: a draw walks the whole vocabulary, and a rule reads a row several times.
///
/// A draw is a function of its address, the overlay and the sampling; whoever changes one of the last two starts a new memory, so sharing it between
/// copies of a belief changes nothing.
final class Proposals: Sendable {
  private let drawn = Mutex<[SeededRandom: (token: Token, logit: Double)]>([:])

  /// The token drawn at an address, drawing it if need be.
  func value(at address: SeededRandom, draw: () -> (token: Token, logit: Double)) -> (token: Token, logit: Double) {
    if let known = drawn.withLock({ $0[address] }) { return known }
    let value = draw()
    drawn.withLock { $0[address] = value }
    return value
  }
}
